//! Waiting for something that takes its time.

use std::time::Duration;

use anyhow::Context;

/// More than anything that the tests wait for takes, so that a test that waits in vain fails and does not hang.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Calls `check` every `interval` until it returns a value; `None` means that it is not there yet.
///
/// # Errors
/// What `check` fails with, or that `what` has not happened within two minutes.
pub async fn poll<T>(
    what: &str,
    interval: Duration,
    check: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    poll_for(TIMEOUT, what, interval, check).await
}

/// As [`poll`], for as long as `limit`.
///
/// # Errors
/// What `check` fails with, or that `what` has not happened by then.
pub async fn poll_for<T>(
    limit: Duration,
    what: &str,
    interval: Duration,
    mut check: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let checks = async {
        loop {
            if let Some(value) = check().await? {
                return Ok(value);
            }
            tokio::time::sleep(interval).await;
        }
    };
    tokio::time::timeout(limit, checks).await.with_context(|| format!("waited for {limit:?} in vain: {what}"))?
}
