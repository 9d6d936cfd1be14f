//! Counts and durations as text. Prices, times of day and large numbers are formatted by [`shared::format`], as in
//! the report.

use shared::format::thousands;

/// `1 bar`, `2 bars`.
pub fn pluralize(count: usize, noun: &str) -> String {
    let noun = match noun.strip_suffix('y') {
        _ if count == 1 => noun.to_owned(),
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{noun}s"),
    };
    format!("{} {noun}", thousands(count))
}

/// `0.4 s`, `1 min 40 s`.
pub fn format_duration(seconds: f64) -> String {
    let whole = seconds.round();
    if seconds < 59.95 {
        let text = format!("{seconds:.1}");
        return format!("{} s", text.strip_suffix(".0").unwrap_or(&text));
    }
    let (minutes, rest) = ((whole / 60.0).floor(), whole % 60.0);
    if rest == 0.0 { format!("{minutes} min") } else { format!("{minutes} min {rest} s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_are_plural_unless_there_is_one() {
        assert_eq!([1, 1_000].map(|count| pluralize(count, "bar")), ["1 bar", "1,000 bars"]);
        assert_eq!(["day", "company"].map(|noun| pluralize(2, noun)), ["2 days", "2 companies"]);
    }

    #[test]
    fn durations_have_minutes_from_one_minute_on() {
        for (seconds, text) in
            [(0.04, "0 s"), (0.4, "0.4 s"), (2.0, "2 s"), (59.94, "59.9 s"), (59.96, "1 min"), (100.0, "1 min 40 s")]
        {
            assert_eq!(format_duration(seconds), text, "{seconds}");
        }
    }
}
