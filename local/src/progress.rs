//! Progress reports of long work: the command line draws a spinner, tests show nothing (`&()`).

/// Receives the steps of long work as they happen.
pub trait Progress: Sync {
    /// A step begins; `what` describes it.
    fn step(&self, what: &str);
    /// Something happens within the step, such as a line that a tool prints.
    fn detail(&self, line: &str);
    /// How far the step is, such as `120 of 340`. Each time replaces the last, so only a display that overwrites shows it.
    fn position(&self, line: &str);
    /// The step is over; `what` describes its result.
    fn done(&self, what: &str);
}

impl Progress for () {
    fn step(&self, _: &str) {}
    fn detail(&self, _: &str) {}
    fn position(&self, _: &str) {}
    fn done(&self, _: &str) {}
}
