//! Progress on standard error: on a terminal a spinner for the current step and a line for every finished one;
//! elsewhere, and with `--verbose`, plain lines. With `--quiet` there is none.

use std::{io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use local::Progress;
use shared::TradeDate;

use super::{
    console::{Verbosity, print_to_stderr, printable},
    timeline::Line,
};

/// Shows progress until it is dropped. Without a spinner where standard error is no terminal.
pub struct ProgressDisplay {
    spinner: Option<ProgressBar>,
    verbosity: Verbosity,
}

impl ProgressDisplay {
    pub fn new(verbosity: Verbosity) -> Self {
        let has_spinner = verbosity == Verbosity::Normal && std::io::stderr().is_terminal();
        Self { spinner: has_spinner.then(spinner), verbosity }
    }

    pub fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Turns the spinner into a progress bar of `total` days; [`increment`](Self::increment) advances it.
    pub fn set_total(&self, total: usize) {
        if let (Some(spinner), Ok(style)) = (&self.spinner, ProgressStyle::with_template(BAR_TEMPLATE)) {
            spinner.set_length(total as u64);
            spinner.set_style(style.progress_chars("━━─"));
        }
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

    /// Shows a line of one of several runs at once, each named by its trade date. With a spinner they are left to
    /// [`overwrite`](Self::overwrite), which tells what each run is doing beside the bar.
    pub fn show_of(&self, date: &TradeDate, line: &Line) {
        let of_day = |text: &String| format!("{date}  {text}");
        match line {
            _ if self.spinner.is_some() => {}
            Line::Started(text) | Line::Finished(text) => self.report(&of_day(text)),
            Line::Updated(text) => self.update(&of_day(text)),
        }
    }

    /// Begins a step: the spinner's text from now on, or a line.
    pub fn start_step(&self, text: &str) {
        match &self.spinner {
            Some(spinner) => spinner.set_message(printable(text).into_owned()),
            None => self.report(text),
        }
    }

    /// Changes the spinner's text within a step. Without a spinner it is worth a line only with `--verbose`.
    pub fn update(&self, text: &str) {
        match &self.spinner {
            Some(spinner) => spinner.set_message(printable(text).into_owned()),
            None if self.verbosity == Verbosity::Verbose && !text.is_empty() => print_to_stderr(text),
            None => {}
        }
    }

    /// Changes the spinner's text; without a spinner nothing is shown, since nothing can be overwritten.
    pub fn overwrite(&self, text: &str) {
        if self.spinner.is_some() {
            self.update(text);
        }
    }

    /// Prints a line that stays.
    pub fn report(&self, text: &str) {
        if self.verbosity != Verbosity::Quiet {
            self.fail(text);
        }
    }

    /// Prints what went wrong, also with `--quiet`.
    pub fn fail(&self, text: &str) {
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

    fn position(&self, line: &str) {
        self.overwrite(line);
    }

    fn done(&self, what: &str) {
        self.report(what);
    }
}

/// The message has a line for each day that is running.
const BAR_TEMPLATE: &str = "{spinner} {bar:24} {pos} of {len} days\n{msg}";

fn spinner() -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}
