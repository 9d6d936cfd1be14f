//! Text of a CSV that a spreadsheet would run as a formula, such as `=HYPERLINK(…)`: defused as OWASP advises, by a single
//! quote before it, which makes a spreadsheet read it as text.
//!
//! <https://owasp.org/www-community/attacks/CSV_Injection>; the null character is from
//! <https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x10-V1-Encoding-and-Sanitization.md> (1.2.10).

use std::borrow::Cow;

/// The characters with which a formula begins, and those that a spreadsheet may skip before one.
const FORMULA_STARTS: [char; 12] = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n', '\0'];

/// Whether a formula begins in `text`, after any number of single quotes. A text that has quotes of its own gets one more,
/// so that [`original`] gives back each text as it was.
fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(FORMULA_STARTS)
}

/// The text as it stands in a CSV.
pub fn defused(text: &str) -> Cow<'_, str> {
    if is_formula(text) { format!("'{text}").into() } else { text.into() }
}

/// The text that [`defused`] was given.
pub fn original(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_would_run_gets_a_quote_and_nothing_else_does() {
        for (text, in_csv) in [
            ("=HYPERLINK(\"http://x\",\"y\")", "'=HYPERLINK(\"http://x\",\"y\")"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(1)", "'@SUM(1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("\n=1", "'\n=1"),
            ("\0=1", "'\0=1"),
            ("＝1", "'＝1"),
            ("＋1", "'＋1"),
            ("－1", "'－1"),
            ("＠1", "'＠1"),
            ("'=1", "''=1"),
            ("''", "''"),
            ("'t Hooft", "'t Hooft"),
            ("E=mc", "E=mc"),
            ("1-800-Flowers", "1-800-Flowers"),
            (" =1", " =1"),
            ("^GSPC", "^GSPC"),
            ("", ""),
        ] {
            assert_eq!(defused(text), in_csv, "{text:?}");
            assert_eq!(original(in_csv), text, "{in_csv:?}");
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back_and_none_runs(text in "'{0,3}[=+@＝＋－＠\t\r\n\0-]{0,3}.{0,5}") {
            let in_csv = defused(&text);
            prop_assert!(!in_csv.starts_with(FORMULA_STARTS), "{:?}", in_csv);
            prop_assert_eq!(original(&in_csv), &text);
        }
    }
}
