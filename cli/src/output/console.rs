//! Writes to standard output and standard error. Standard output holds results only; all else goes to standard error.
//!
//! Neither ever gets a control character but the end of a line, also where a market's or a service's message has one.
//! The spinner of a terminal and the colours of a result (see [`super::terminal`]) are apart from that.

use std::{
    borrow::Cow,
    io::{ErrorKind, Write},
};

use anyhow::Context;
use serde::Serialize;

use super::{
    progress::ProgressDisplay,
    terminal::{Styled, Terminal, stderr_width, wrap},
};
use crate::invocation::as_typed;

/// How much is said on standard error beside errors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Verbosity {
    /// Nothing.
    Quiet,
    /// Each step and its result, and what to do next.
    #[default]
    Normal,
    /// Also what happens within a step, such as the lines that a tool prints.
    Verbose,
}

/// The form of a command's answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For scripts: one JSON document.
    Json,
}

/// How a command prints, as its options say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Console {
    pub verbosity: Verbosity,
    pub format: Format,
}

impl Console {
    pub fn progress(&self) -> ProgressDisplay {
        ProgressDisplay::new(self.verbosity)
    }

    /// Prints a command's answer to standard output: `text`, or `json` with `--json`.
    ///
    /// # Errors
    /// As [`print()`].
    pub fn answer(&self, text: impl Into<Styled>, json: &impl Serialize) -> anyhow::Result<()> {
        match self.format {
            Format::Text => match text.into() {
                text if text.is_empty() => Ok(()),
                text => write_line(&wrap(&as_typed(&text.to_string()), Terminal::stdout().width)).map(drop),
            },
            Format::Json => print(&serde_json::to_string_pretty(json).context("the answer is no JSON")?),
        }
    }
}

/// Prints a result to standard output. A closed pipe (`| head`) is no error.
///
/// # Errors
/// When it cannot be written, such as on a full disk.
pub fn print(text: &str) -> anyhow::Result<()> {
    write_line(&printable(text)).map(drop)
}

/// Prints a line of a result that has no end of its own; `false` when nobody reads it any more (`| head`).
///
/// # Errors
/// As [`print()`].
#[cfg(feature = "live")]
pub fn print_while_read(text: &str) -> anyhow::Result<bool> {
    write_line(&printable(text))
}

/// Whether the line was written: not into a closed pipe.
fn write_line(text: &str) -> anyhow::Result<bool> {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("could not write to standard output"),
    }
}

/// Prints to standard error, wrapped where that is a terminal. That it is closed is ignored: it is no reason to stop a run.
pub fn print_to_stderr(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", wrap(&printable(&as_typed(text)), stderr_width()));
}

/// The text without control characters other than the end of a line.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c.is_control() && c != '\n') {
        return Cow::Borrowed(text);
    }
    let replace = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() && c != '\n' => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(replace).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_not_printed() {
        for (text, printed) in [
            ("a\nµ €\n", "a\nµ €\n"),
            ("\u{1b}[31mred\u{1b}[0m", "\u{fffd}[31mred\u{fffd}[0m"),
            ("a\tb\r\u{7}\u{9b}c", "a b\u{fffd}\u{fffd}\u{fffd}c"),
        ] {
            assert_eq!(printable(text), printed);
        }
    }
}
