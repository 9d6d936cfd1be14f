//! Runs a tool to completion: its output is reported as progress, and its last lines are quoted in the error when it fails.

use std::collections::VecDeque;
use std::process::Stdio;

use anyhow::{Context, anyhow};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Split};
use tokio::process::Command;

use crate::Progress;

/// How many of the last lines an error quotes.
const QUOTED_LINES: usize = 20;

/// Runs a tool; standard output and standard error are progress.
pub(crate) async fn run(command: Command, progress: &dyn Progress) -> anyhow::Result<()> {
    execute(command, progress, None).await
}

/// Runs a tool and returns its standard output; only standard error is progress.
pub(crate) async fn read(command: Command, progress: &dyn Progress) -> anyhow::Result<String> {
    let mut output = String::new();
    execute(command, progress, Some(&mut output)).await?;
    Ok(output)
}

async fn execute(mut command: Command, progress: &dyn Progress, mut output: Option<&mut String>) -> anyhow::Result<()> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let cannot = || format!("cannot run {program}");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().with_context(cannot)?;
    let mut stdout = segments(child.stdout.take().with_context(cannot)?);
    let mut stderr = segments(child.stderr.take().with_context(cannot)?);
    let mut tail = Tail::default();
    loop {
        let line = tokio::select! {
            Ok(Some(line)) = stdout.next_segment() => match output.as_mut() {
                Some(output) => {
                    output.push_str(&String::from_utf8_lossy(&line));
                    output.push('\n');
                    continue;
                }
                None => line,
            },
            Ok(Some(line)) = stderr.next_segment() => line,
            else => break,
        };
        if let Some(line) = visible(&line) {
            progress.detail(&line);
            tail.push(line);
        }
    }
    let status = child.wait().await.with_context(cannot)?;
    if status.success() { Ok(()) } else { Err(anyhow!("{program} ended with {status}{tail}")) }
}

fn segments<R: AsyncRead + Unpin>(stream: R) -> Split<BufReader<R>> {
    BufReader::new(stream).split(b'\n')
}

/// The visible part of a line that overwrites itself with carriage returns; nothing if it is blank.
fn visible(line: &[u8]) -> Option<String> {
    let line = String::from_utf8_lossy(line);
    line.split('\r').map(str::trim_end).rfind(|part| !part.is_empty()).map(str::to_owned)
}

/// The last lines of an output, as an error quotes them.
#[derive(Debug, Default)]
pub(crate) struct Tail(VecDeque<String>);

impl Tail {
    pub(crate) fn push(&mut self, line: String) {
        if self.0.len() == QUOTED_LINES {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }
}

impl std::fmt::Display for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|line| write!(f, "\n    {line}"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Seen(Mutex<Vec<String>>);

    impl Progress for Seen {
        fn step(&self, _: &str) {}
        fn detail(&self, line: &str) {
            if let Ok(mut seen) = self.0.lock() {
                seen.push(line.to_owned());
            }
        }
        fn done(&self, _: &str) {}
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn returned_output_is_not_progress() -> anyhow::Result<()> {
        let seen = Seen::default();
        let output = read(shell("echo one; echo shown >&2; printf two"), &seen).await?;
        assert_eq!(output, "one\ntwo\n");
        assert_eq!(seen.0.into_inner()?, ["shown"]);
        Ok(())
    }

    #[tokio::test]
    async fn a_failure_quotes_the_last_lines_of_both_outputs() -> anyhow::Result<()> {
        let script = "for i in $(seq 30); do echo line $i; done; sleep 0.05; echo no space left >&2; exit 3";
        let error = run(shell(script), &()).await.err().context("a failing tool passed")?.to_string();
        assert!(error.starts_with("sh ended with exit status: 3\n    line 12\n"), "{error}");
        assert!(error.ends_with("line 30\n    no space left"), "{error}");
        Ok(())
    }

    #[tokio::test]
    async fn a_missing_tool_is_named() {
        let result = run(Command::new("no-such-tool"), &()).await;
        assert_eq!(result.map_err(|error| error.to_string()), Err("cannot run no-such-tool".to_owned()));
    }

    #[test]
    fn a_line_that_overwrites_itself_shows_its_last_state() {
        assert_eq!(visible(b"\rUploading 10%\rUploading 100%\r"), Some("Uploading 100%".to_owned()));
        assert_eq!(visible(b"  \r "), None);
        assert_eq!(visible(b"   Compiling collect\r"), Some("   Compiling collect".to_owned()));
    }
}
