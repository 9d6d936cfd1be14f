//! Where progress is shown: on a terminal a spinner for what is going on and a line for what is over; elsewhere
//! plain lines, without control codes. Progress goes to standard error, so that standard output holds the result.

use std::{
    io::{ErrorKind, IsTerminal, Write},
    time::Duration,
};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use local::Progress;

use super::timeline::Line;

/// Standard error.
pub struct Screen {
    spinner: Option<ProgressBar>,
}

impl Screen {
    /// A spinner where a person watches, plain lines elsewhere.
    pub fn new() -> Self {
        Self { spinner: std::io::stderr().is_terminal().then(spinner) }
    }

    /// The same with a bar that counts to `total`.
    pub fn counting(total: usize) -> Self {
        let screen = Self::new();
        if let (Some(spinner), Ok(style)) = (&screen.spinner, ProgressStyle::with_template(COUNTING)) {
            spinner.set_length(total as u64);
            spinner.set_style(style.progress_chars("━━─"));
        }
        screen
    }

    /// One more of those that are counted is done.
    pub fn count(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.inc(1);
        }
    }

    /// Shows a line of the story.
    pub fn show(&self, line: &Line) {
        match line {
            Line::Now(text) => self.now(text),
            Line::Again(text) => self.again(text),
            Line::Told(text) => self.tell(text),
        }
    }

    /// What is going on from now on.
    pub fn now(&self, text: &str) {
        match &self.spinner {
            Some(spinner) => spinner.set_message(text.to_owned()),
            None => plain(text),
        }
    }

    /// What has come to pass.
    pub fn tell(&self, text: &str) {
        match &self.spinner {
            Some(spinner) => spinner.suspend(|| plain(text)),
            None => plain(text),
        }
    }

    /// Takes the spinner away, before something else is printed.
    pub fn clear(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }

    /// What is going on still; not worth a line where nothing moves.
    pub fn again(&self, text: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(text.to_owned());
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Progress for Screen {
    fn step(&self, what: &str) {
        self.now(what);
    }

    fn detail(&self, line: &str) {
        self.again(line);
    }

    fn done(&self, what: &str) {
        self.tell(what);
    }
}

const COUNTING: &str = "{spinner} {bar:24} {pos} of {len} days  {wide_msg}";

fn spinner() -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}

/// Writes a result to standard output. A reader that has seen enough (`| head`) is no error.
///
/// # Errors
/// When it cannot be written, such as on a full disk.
pub fn print(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("could not write to standard output"),
        _ => Ok(()),
    }
}

/// A line on standard error. That it is gone (a closed pipe) is no reason to stop a run.
fn plain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
