//! Why a request returned no bars, and whether it counts as one of the symbol's attempts.

use shared::payload::Reason;

/// Why a request returned no bars, or was not sent.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{detail}")]
pub struct Failure {
    /// The kind of failure, as the answer gives it.
    pub reason: Reason,
    /// What happened: Yahoo's own message where it sent one. A long one is cut.
    pub detail: String,
    /// Whether it is one of the symbol's attempts. A request that was answered or failed is one, apart from the second
    /// one of a symbol that is blocked together with all others. One that was not sent, or not answered before the time
    /// was up, is none, except in an outage.
    pub counts_as_attempt: bool,
    /// Whether the reply said that the market is a simulated one.
    pub simulated: bool,
}

impl Failure {
    /// A failure of an attempt.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: shortened(detail.into()), counts_as_attempt: true, simulated: false }
    }

    /// The failure of a reply that is not a chart of the symbol, day and interval.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(Reason::Malformed, detail)
    }

    /// The failure of a symbol that is not requested because of this one.
    pub fn not_attempted(&self) -> Self {
        // An outage counts, so that a market which stays down ends the run after the last attempt.
        let counts_as_attempt = self.reason == Reason::Unavailable;
        Self { detail: format!("not attempted: {}", self.detail), counts_as_attempt, ..self.clone() }
    }
}

/// The most characters of a text from outside that are kept. An answer passes through the state machine, which takes
/// 256 KiB: <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>.
const MOST_CHARS: usize = 200;

/// The text, cut where it is longer than what is kept of a text from outside.
pub fn shortened(text: String) -> String {
    match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        for (text, expected) in [
            ("", "".to_owned()),
            ("é", "é".to_owned()),
            (&"é".repeat(200), "é".repeat(200)),
            (&"é".repeat(201), "é".repeat(200) + "…"),
        ] {
            assert_eq!(Failure::malformed(text).detail, expected);
        }
    }
}
