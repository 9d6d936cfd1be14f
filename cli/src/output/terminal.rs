//! What is known of the terminal: its width, and whether it shows colours; and text that fits it.

use std::fmt;

use console::{Style, Term};
use textwrap::{Options, WordSeparator, WordSplitter};

use super::console::printable;

/// The terminal that text is written for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Its width in columns; `None` where the output is no terminal, or one that does not know its width: nothing is wrapped
    /// or left out there.
    pub width: Option<usize>,
    /// Whether it shows colours, and the user has not set `NO_COLOR` (<https://no-color.org>).
    pub colors: bool,
}

impl Terminal {
    /// That of standard output, where results go.
    pub fn stdout() -> Self {
        let term = Term::stdout();
        Self { width: width(&term), colors: term.features().colors_supported() }
    }
}

/// The width of standard error, in columns; `None` where it is no terminal.
pub fn stderr_width() -> Option<usize> {
    width(&Term::stderr())
}

fn width(term: &Term) -> Option<usize> {
    let (_, columns) = term.size_checked()?;
    (term.features().is_attended() && columns > 0).then_some(usize::from(columns))
}

/// The text with every line that is wider than `width` columns broken between words; what follows is indented by two more. A word
/// that is wider itself, such as a path, stays whole, so that it can be copied.
pub fn wrap(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return text.to_owned() };
    let lines = text.lines().map(|line| {
        let indent = line.chars().take_while(|c| *c == ' ').count() + 2;
        wrap_after(line, width, indent)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// One line, broken between words at `width` columns; what follows is indented by `indent`.
pub fn wrap_after(line: &str, width: usize, indent: usize) -> String {
    let indent = " ".repeat(indent);
    let options = Options::new(width)
        .subsequent_indent(&indent)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::fill(line, options)
}

/// Text in which this program's own colours are the only control characters beside the end of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Styled(String);

impl Styled {
    /// Adds text; its control characters are replaced as by [`printable`].
    pub fn push(&mut self, text: &str) {
        self.0 += &printable(text);
    }

    /// Adds text in a style, such as a colour.
    pub fn push_in(&mut self, style: &Style, text: &str) {
        self.0 += &style.apply_to(printable(text)).to_string();
    }

    /// Adds text that is styled already.
    pub fn push_styled(&mut self, text: &Self) {
        self.0 += &text.0;
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Styled {
    fn from(text: &str) -> Self {
        Self(printable(text).into_owned())
    }
}

impl From<&String> for Styled {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl fmt::Display for Styled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use console::measure_text_width;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_words_stay_whole() {
        for (text, width, wrapped) in [
            ("one two three", None, "one two three"),
            ("one two three", Some(13), "one two three"),
            ("one two three", Some(9), "one two\n  three"),
            ("  cause: one two three", Some(15), "  cause: one\n    two three"),
            ("a\n\nb c", Some(3), "a\n\nb c"),
            ("see results/2026-11-20/report.html", Some(10), "see\n  results/2026-11-20/report.html"),
            ("well-known café", Some(12), "well-known\n  café"),
        ] {
            assert_eq!(wrap(text, width), wrapped, "{text:?} at {width:?}");
        }
    }

    #[test]
    fn only_own_colours_are_control_characters() {
        let mut text = Styled::from("a\u{1b}[31mb");
        text.push_in(&Style::new().green().force_styling(true), "+1%\u{7}");
        assert_eq!(text.to_string(), "a\u{fffd}[31mb\u{1b}[32m+1%\u{fffd}\u{1b}[0m");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(
            words in prop::collection::vec("[a-zé世]{1,9}|[A-Z]{1,4}:", 0..40),
            indent in 0_usize..4,
            width in 24_usize..200,
        ) {
            let text = " ".repeat(indent) + &words.join(" ");
            for line in wrap(&text, Some(width)).lines() {
                prop_assert!(measure_text_width(line) <= width, "{line:?}");
            }
        }
    }
}
