//! What the JSON forms of the commands' answers have in common. Each form is a type in `commands/<command>/json.rs`, and
//! `docs/scripts.md` shows an example of it, which the type's test compares.
//!
//! The forms are stable: a field may be added, none is renamed, removed or given another meaning.

use std::path::Path;

use serde::Serialize;

use crate::args::On;

/// Where a command has looked for the stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Whether that is the local cloud or AWS.
    pub on: On,
    /// The same for people, with the address or the region.
    pub place: String,
}

/// A session as [`TradingDay::label`](crate::trading_day::TradingDay::label) names it; `null` where no calendar says.
pub fn session(label: &'static str) -> Option<&'static str> {
    (label != "-").then_some(label)
}

/// The absolute form of a path, as text.
pub fn path(path: &Path) -> String {
    std::path::absolute(path).as_deref().unwrap_or(path).display().to_string()
}

/// A duration in seconds, rounded to milliseconds.
pub fn seconds(seconds: f64) -> f64 {
    (seconds * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
pub mod tests {
    use serde::Serialize;

    use super::*;

    /// The form as it is printed; it must be an example of `docs/scripts.md`.
    pub fn documented(form: &impl Serialize) -> serde_json::Result<String> {
        let json = serde_json::to_string_pretty(form)?;
        let example = format!("```json\n{json}\n```");
        assert!(include_str!("../../../docs/scripts.md").contains(&example), "docs/scripts.md lacks\n{example}");
        Ok(json)
    }

    pub fn place() -> Place {
        Place { on: On::Local, place: "the local cloud at http://127.0.0.1:4566".to_owned() }
    }

    #[test]
    fn durations_have_milliseconds() {
        assert_eq!(seconds(6.035_000_085_8).to_string(), "6.035");
    }
}
