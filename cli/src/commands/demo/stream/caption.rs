//! What a demo says while the stream is shown.

use tokio::sync::watch;

use crate::output::progress::ProgressDisplay;

/// Where it is said: above the rows of the board, or as progress on standard error. Dropping it ends the board.
pub struct Caption {
    board: watch::Sender<String>,
    /// `None` where the board is shown, which nothing else may write over.
    progress: Option<ProgressDisplay>,
    /// The last thing that was done; the board has one line for it and for what comes next.
    done: String,
}

impl Caption {
    pub fn new(board: watch::Sender<String>, progress: Option<ProgressDisplay>) -> Self {
        Self { board, progress, done: String::new() }
    }

    /// Says what begins.
    pub fn step(&self, text: &str) {
        self.show_on_board(text);
        if let Some(progress) = &self.progress {
            progress.start_step(text);
        }
    }

    /// Says how long it is until the next step. Where nothing can be overwritten it is not said.
    pub fn countdown(&self, text: &str) {
        self.show_on_board(text);
        if let Some(progress) = &self.progress {
            progress.overwrite(text);
        }
    }

    /// Says what is done.
    pub fn done(&mut self, text: String) {
        if let Some(progress) = &self.progress {
            progress.report(&text);
        }
        self.done = text;
        self.show_on_board("");
    }

    fn show_on_board(&self, text: &str) {
        let parts = [self.done.as_str(), text];
        let line = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
        self.board.send_replace(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_board_has_what_is_done_and_what_comes_next_in_one_line() {
        let (sender, line) = watch::channel(String::new());
        let mut caption = Caption::new(sender, None);
        caption.step("tick 1 of 2");
        assert_eq!(*line.borrow(), "tick 1 of 2");
        caption.done("tick 1 of 2: 30 bars".to_owned());
        assert_eq!(*line.borrow(), "tick 1 of 2: 30 bars");
        caption.countdown("tick 2 in 9 s");
        assert_eq!(*line.borrow(), "tick 1 of 2: 30 bars; tick 2 in 9 s");
        drop(caption);
        assert!(line.has_changed().is_err(), "the board ends");
    }
}
