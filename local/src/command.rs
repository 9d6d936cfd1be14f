//! Runs a tool to completion: its output is reported as progress, and its last lines are quoted in the error when it fails.

use std::collections::VecDeque;
use std::process::Stdio;

use anyhow::{Context, anyhow};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
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
    let mut stdout = Lines::of(child.stdout.take().with_context(cannot)?);
    let mut stderr = Lines::of(child.stderr.take().with_context(cannot)?);
    let mut tail = Tail::default();
    loop {
        let line = tokio::select! {
            Some(line) = stdout.next() => match output.as_mut() {
                Some(output) => {
                    output.push_str(&line.text);
                    output.push(if line.is_overwritten { '\r' } else { '\n' });
                    continue;
                }
                None => line,
            },
            Some(line) = stderr.next() => line,
            else => break,
        };
        match line.text.trim_end() {
            "" => {}
            text if line.is_overwritten => progress.position(text.trim_start()),
            text => {
                progress.detail(text);
                tail.push(text.to_owned());
            }
        }
    }
    let status = child.wait().await.with_context(cannot)?;
    if status.success() { Ok(()) } else { Err(anyhow!("{program} ended with {status}{tail}")) }
}

/// A line of an output.
struct Line {
    text: String,
    /// It ends with a carriage return, after which a terminal shows the next one in its place.
    is_overwritten: bool,
}

/// The lines of an output, as they are written.
struct Lines<R> {
    stream: BufReader<R>,
    begun: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    fn of(stream: R) -> Self {
        Self { stream: BufReader::new(stream), begun: Vec::new() }
    }

    /// The next line; `None` at the end of the output, or when it cannot be read. Nothing is lost when the future is dropped.
    async fn next(&mut self) -> Option<Line> {
        loop {
            let read = self.stream.fill_buf().await.ok()?;
            if read.is_empty() && self.begun.is_empty() {
                return None;
            }
            let end = read.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let is_overwritten = end.is_some_and(|at| read.get(at) == Some(&b'\r'));
            let is_last = read.is_empty();
            let (text, length) = end.map_or((read, read.len()), |at| (&read[..at], at + 1));
            self.begun.extend_from_slice(text);
            self.stream.consume(length);
            if end.is_some() || is_last {
                let text = String::from_utf8_lossy(&std::mem::take(&mut self.begun)).into_owned();
                return Some(Line { text, is_overwritten });
            }
        }
    }
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
        fn position(&self, line: &str) {
            self.detail(&format!("position {line}"));
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

    #[tokio::test]
    async fn what_is_overwritten_is_no_line_of_the_output() -> anyhow::Result<()> {
        let seen = Seen::default();
        let script = "printf '  Building 1/2\\r  Building 2/2\\r\\r \\n   Compiling a\\n' >&2; printf '{}'; exit 4";
        let error = read(shell(script), &seen).await.err().context("a failing tool passed")?.to_string();
        assert_eq!(error, "sh ended with exit status: 4\n       Compiling a");
        assert_eq!(seen.0.into_inner()?, ["position Building 1/2", "position Building 2/2", "   Compiling a"]);
        Ok(())
    }
}
