//! A failed query, with what helps to mend it: the line of the SQL that Athena names, or what to do about the limit of bytes.

use anyhow::anyhow;

use crate::aws::athena::Unsuccessful;

/// The error of a query of this SQL, with more to it where more is known.
pub fn explain(error: anyhow::Error, sql: &str) -> anyhow::Error {
    if error.downcast_ref::<Unsuccessful>().is_some_and(Unsuccessful::is_over_limit) {
        return error.context(
            "it would read more bytes than the workgroup allows (the stack's parameter BytesScannedCutoff): name the trade_date, \
             or a range of it, in WHERE, or deploy with a larger limit",
        );
    }
    let unsuccessful = error.downcast_ref::<Unsuccessful>();
    let message = unsuccessful.map_or_else(|| format!("{error:#}"), Unsuccessful::summary);
    match position(&message).and_then(|position| excerpt(sql, position)) {
        Some(excerpt) => {
            let hint = unsuccessful.and_then(Unsuccessful::hint);
            let hint = hint.map(|hint| format!("\n{hint}")).unwrap_or_default();
            anyhow!("{message}\n{excerpt}{hint}")
        }
        None => error,
    }
}

/// The line and the column, from 1 on, that a message names: `line 3:15: …` of Athena, `Line 3, Col: 15.` of the local cloud.
fn position(message: &str) -> Option<(usize, usize)> {
    let message = message.to_lowercase();
    let mut rest = message.as_str();
    while let Some((_, after)) = rest.split_once("line ") {
        let (line, after) = number(after);
        let column = after.strip_prefix(", col: ").or_else(|| after.strip_prefix(':')).map(|text| number(text).0);
        if let (Some(line), Some(Some(column))) = (line, column) {
            return Some((line, column));
        }
        rest = after;
    }
    None
}

/// The number with which the text begins, and what follows it.
fn number(text: &str) -> (Option<usize>, &str) {
    let (digits, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    (digits.parse().ok(), rest)
}

/// The line, with a mark below the column.
fn excerpt(sql: &str, (line, column): (usize, usize)) -> Option<String> {
    let text = sql.lines().nth(line.checked_sub(1)?)?.replace('\t', " ");
    let indent = " ".repeat(line.to_string().len());
    let mark = " ".repeat(column.saturating_sub(1).min(text.chars().count()));
    Some(format!("  {line} | {text}\n  {indent} | {mark}^"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_athena::types::QueryExecutionState;

    use super::*;

    #[test]
    fn the_hint_of_athenas_history_stands_below_the_line() {
        let error = |is_in_console| {
            let reason = "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved".to_owned();
            let error =
                Unsuccessful { id: "q-1".to_owned(), state: QueryExecutionState::Failed, reason, is_in_console };
            format!("{:#}", explain(error.into(), "SELECT nope FROM bars"))
        };
        insta::assert_snapshot!(error(true), @r"
        the query q-1 of the lake ended as FAILED: COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved
          1 | SELECT nope FROM bars
            |        ^
        see Athena's history of the stack's workgroup
        ");
        assert!(error(false).ends_with("       ^"), "{}", error(false));
    }

    #[test]
    fn the_line_that_a_message_names_is_shown() {
        let sql = "-- One row\nSELECT nope\nFROM bars";
        for (message, shown) in [
            ("COLUMN_NOT_FOUND: line 2:8: Column 'nope' cannot be resolved", Some("  2 | SELECT nope\n    |        ^")),
            ("Invalid expression. Line 3, Col: 5.\n  more", Some("  3 | FROM bars\n    |     ^")),
            ("a line of text, line 1:99: mismatched input", Some("  1 | -- One row\n    |           ^")),
            ("line 9:1: not there", None),
            ("line 0:0", None),
            ("no position", None),
        ] {
            let explained = format!("{:#}", explain(anyhow!("{message}"), sql));
            let expected = shown.map_or_else(|| message.to_owned(), |shown| format!("{message}\n{shown}"));
            assert_eq!(explained, expected);
        }
    }
}
