//! Why a request returned no bars, and whether it counts as one of the symbol's attempts.

use jiff::{Timestamp, tz::TimeZone};
use shared::payload::Reason;

/// What a failure is about: what is to be requested again, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureScope {
    /// The symbol alone.
    Symbol,
    /// The request, and so every symbol of its batch: one of them may be the cause.
    Batch,
    /// The account's key, without which nothing is answered: no wait helps.
    Key,
    /// The source, which refuses this client or does not answer at all.
    Source,
}

/// Why a request returned no bars, or was not sent.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{detail}")]
pub struct Failure {
    /// The kind of failure, as the answer gives it.
    pub reason: Reason,
    /// What happened: the market's own message where it sent one. A long one is cut.
    pub detail: String,
    /// What it is about.
    pub scope: FailureScope,
    /// Whether it is an answer about the symbol, and so one of the symbol's attempts. A request that was not sent is none,
    /// and neither is one that the market refused or left unanswered as it did others.
    pub counts_as_attempt: bool,
    /// The exchange's time zone, where the reply gave one.
    pub zone: Option<TimeZone>,
    /// When the session ends that is not over.
    pub session_ends_at: Option<Timestamp>,
    /// Whether the reply said that the market is a simulated one.
    pub simulated: bool,
}

impl Failure {
    /// A failure of an attempt.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        let detail = shortened(detail.into());
        let (scope, counts_as_attempt) = (FailureScope::Symbol, true);
        Self { reason, detail, scope, counts_as_attempt, zone: None, session_ends_at: None, simulated: false }
    }

    /// The failure of a reply that is not a chart of the symbol, day and interval.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(Reason::Malformed, detail)
    }

    /// The same about something else than the symbol.
    pub fn about(self, scope: FailureScope) -> Self {
        Self { scope, ..self }
    }

    /// The failure of a symbol that is not requested because of this one.
    pub fn not_attempted(&self) -> Self {
        Self { detail: shortened(format!("not attempted: {}", self.detail)), ..self.as_no_answer() }
    }

    /// The same as no answer about any symbol, since it befell all.
    pub fn as_no_answer(&self) -> Self {
        Self { counts_as_attempt: false, ..self.clone() }
    }

    /// Whether every other request would fail likewise.
    pub fn is_of_all(&self) -> bool {
        matches!(self.scope, FailureScope::Key | FailureScope::Source)
    }

    /// Whether only a market that is up replies so: it knows the day's session, or the limit of what it keeps.
    pub fn shows_market_is_up(&self) -> bool {
        matches!(self.reason, Reason::SessionNotOver | Reason::TooOld)
    }
}

/// The most bytes of a text from outside that are kept, as JSON writes it. An answer passes through the state machine, which
/// takes 256 KiB: <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>.
const MAX_JSON_BYTES: usize = 200;

/// The text, cut where it is longer than what is kept of a text from outside.
pub fn shortened(text: String) -> String {
    let mut bytes = 0;
    let end = text.char_indices().find(|(_, character)| {
        bytes += json_bytes(*character);
        bytes > MAX_JSON_BYTES
    });
    match end {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The number of bytes that a character takes in JSON: `\u0007` for a control character, `\"` for a quote.
fn json_bytes(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' => 2,
        _ if character.is_ascii_control() => 6,
        _ => character.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        for (text, expected) in [
            (String::new(), String::new()),
            ("a".repeat(200), "a".repeat(200)),
            ("a".repeat(201), "a".repeat(200) + "…"),
            ("é".repeat(100), "é".repeat(100)),
            ("é".repeat(101), "é".repeat(100) + "…"),
            ("😀".repeat(60), "😀".repeat(50) + "…"),
            ("\u{7}".repeat(60), "\u{7}".repeat(33) + "…"),
            ("\"".repeat(300), "\"".repeat(100) + "…"),
        ] {
            let cut = Failure::malformed(text).detail;
            assert_eq!(cut, expected);
            assert!(serde_json::to_string(&cut).is_ok_and(|json| json.len() <= MAX_JSON_BYTES + 5), "{cut:?}");
        }
        let detail = Failure::malformed("a".repeat(500)).not_attempted().detail;
        assert!(detail.len() <= MAX_JSON_BYTES + 3 && detail.starts_with("not attempted: a"), "{detail}");
    }
}
