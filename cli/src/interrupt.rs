//! Ctrl-C (SIGINT) and SIGTERM.

/// Exit code of a command that Ctrl-C ended: 128 + SIGINT, as shells report it.
pub const INTERRUPTED: u8 = 130;

/// Waits for either signal.
pub async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}
