//! Notifies the user that something failed: by the desktop's own program, where there is one, and by a command of the user's.
//!
//! Neither changes how `daily` ends. A desktop without notifications, such as a server's, is no failure.

use std::{io::ErrorKind, process::Stdio, time::Duration};

use shared::TradeDate;
use tokio::process::Command;

use crate::output::progress::ProgressDisplay;

/// How long the desktop may take.
const DESKTOP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the user's command may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(300);

const TITLE: &str = "finstream daily failed";

/// Notifies the user of a failure on `days`; what cannot be run is reported.
pub async fn notify(message: &str, days: &[TradeDate], command: Option<&str>, progress: &ProgressDisplay) {
    // A desktop that shows nothing says why to itself; the failure itself is on standard error.
    let _ = run(&mut desktop(message), DESKTOP_TIMEOUT).await;
    let Some(command) = command else { return };
    let days: Vec<_> = days.iter().map(TradeDate::to_string).collect();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).env("FINSTREAM_MESSAGE", message).env("FINSTREAM_DAYS", days.join(" "));
    shell.stdout(std::io::stderr()); // standard output is for the result of `daily`
    if let Err(problem) = run(&mut shell, COMMAND_TIMEOUT).await {
        progress.fail(&format!("the command of --on-failure {problem}: {command}"));
    }
}

/// The program that shows a notification on this desktop.
fn desktop(message: &str) -> Command {
    let mut command = if cfg!(target_os = "macos") {
        let mut osascript = Command::new("osascript");
        osascript.args([
            "-e",
            "on run argv",
            "-e",
            "display notification (item 2 of argv) with title (item 1 of argv)",
        ]);
        osascript.args(["-e", "end run", TITLE, message]);
        osascript
    } else {
        let mut notify_send = Command::new("notify-send");
        notify_send.args(["--app-name=finstream", "--", TITLE, message]);
        notify_send
    };
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Runs a program to its end; the error completes a sentence about it.
async fn run(command: &mut Command, timeout: Duration) -> Result<(), String> {
    let child = command.stdin(Stdio::null()).kill_on_drop(true).spawn();
    let mut child = child.map_err(|error| match error.kind() {
        ErrorKind::NotFound => "is not there".to_owned(),
        _ => format!("could not be started ({error})"),
    })?;
    match tokio::time::timeout(timeout, child.wait()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("ended with {status}")),
        Ok(Err(error)) => Err(format!("could not be waited for ({error})")),
        Err(_) => Err(format!("was ended after {} s", timeout.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_command_that_fails_or_hangs_is_reported() {
        let shell = |script: &str| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]);
            command
        };
        let short = Duration::from_millis(200);
        for (mut command, expected) in [
            (shell("true"), Ok(())),
            (shell("exit 3"), Err("ended with exit status: 3")),
            (shell("exec sleep 60"), Err("was ended after 0 s")),
            (Command::new("no-such-program"), Err("is not there")),
        ] {
            let run = run(&mut command, if expected == Err("was ended after 0 s") { short } else { DESKTOP_TIMEOUT });
            assert_eq!(run.await, expected.map_err(str::to_owned));
        }
    }
}
