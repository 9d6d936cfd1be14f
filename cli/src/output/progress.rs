//! Progress on standard error: on a terminal a spinner for the current step and a line for every finished one;
//! elsewhere plain lines, without control codes. Standard output holds nothing but the result.

use std::{
    io::{ErrorKind, IsTerminal, Write},
    time::Duration,
};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use local::Progress;

use super::timeline::Line;

/// Shows progress until it is dropped. Without a spinner where standard error is no terminal.
pub struct ProgressDisplay {
    spinner: Option<ProgressBar>,
}

impl ProgressDisplay {
    pub fn new() -> Self {
        Self { spinner: std::io::stderr().is_terminal().then(spinner) }
    }

    /// With a progress bar of `total` days; [`increment`](Self::increment) advances it.
    pub fn with_total(total: usize) -> Self {
        let display = Self::new();
        if let (Some(spinner), Ok(style)) = (&display.spinner, ProgressStyle::with_template(BAR_TEMPLATE)) {
            spinner.set_length(total as u64);
            spinner.set_style(style.progress_chars("━━─"));
        }
        display
    }

    /// Advances the progress bar by one.
    pub fn increment(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.inc(1);
        }
    }

    pub fn show(&self, line: &Line) {
        match line {
            Line::Started(text) => self.start_step(text),
            Line::Updated(text) => self.update(text),
            Line::Finished(text) => self.report(text),
        }
    }

    /// Begins a step: the spinner's text from now on, or a line.
    pub fn start_step(&self, text: &str) {
        match &self.spinner {
            Some(spinner) => spinner.set_message(text.to_owned()),
            None => print_to_stderr(text),
        }
    }

    /// Changes the spinner's text within a step. Not worth a line where there is no spinner.
    pub fn update(&self, text: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(text.to_owned());
        }
    }

    /// Prints a line that stays.
    pub fn report(&self, text: &str) {
        match &self.spinner {
            Some(spinner) => spinner.suspend(|| print_to_stderr(text)),
            None => print_to_stderr(text),
        }
    }

    /// Removes the spinner, before something else is printed.
    pub fn clear(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}

impl Drop for ProgressDisplay {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Progress for ProgressDisplay {
    fn step(&self, what: &str) {
        self.start_step(what);
    }

    fn detail(&self, line: &str) {
        self.update(line);
    }

    fn done(&self, what: &str) {
        self.report(what);
    }
}

const BAR_TEMPLATE: &str = "{spinner} {bar:24} {pos} of {len} days  {wide_msg}";

fn spinner() -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}

/// Prints a result to standard output. A closed pipe (`| head`) is no error.
///
/// # Errors
/// When it cannot be written, such as on a full disk.
pub fn print(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("could not write to standard output"),
        _ => Ok(()),
    }
}

/// Prints a line to standard error. Errors are ignored: a closed pipe is no reason to stop a run.
fn print_to_stderr(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
