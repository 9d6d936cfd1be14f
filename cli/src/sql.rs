//! Reads as much of a statement of Athena's SQL as the command has to know: what kind of statement it is, and its `?`.
//! <https://trino.io/docs/current/language/comments.html>

/// The statements that only read. <https://docs.aws.amazon.com/athena/latest/ug/language-reference.html>
const READING: [&str; 8] = ["SELECT", "WITH", "VALUES", "TABLE", "SHOW", "DESCRIBE", "DESC", "EXPLAIN"];

/// The number of `?` that stand for values.
pub fn count_placeholders(sql: &str) -> usize {
    tokens(sql).filter(|token| *token == "?").count()
}

/// Whether there is no statement: nothing but blanks, comments, semicolons and texts in quotes.
pub fn is_empty(sql: &str) -> bool {
    tokens(sql).all(|token| token == ";")
}

/// The word with which a statement begins that does more than read, in capitals; `None` where it only reads.
///
/// `EXPLAIN ANALYZE` executes what it explains.
pub fn writing_keyword(sql: &str) -> Option<String> {
    let mut depth = 0_usize;
    let words = tokens(sql).filter_map(|token| {
        match token {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let word = token.to_ascii_uppercase();
        token.starts_with(|c: char| c.is_alphabetic()).then_some((depth, word))
    });
    let mut words = words.skip_while(|(_, word)| word == "EXPLAIN").peekable();
    let is_explained = tokens(sql).next().is_some_and(|token| token.eq_ignore_ascii_case("EXPLAIN"));
    if is_explained {
        // The options of EXPLAIN stand in parentheses.
        while words.next_if(|(depth, word)| *depth > 0 || word == "ANALYZE" || word == "VERBOSE").is_some() {}
    }
    let (_, first) = words.next()?;
    (!READING.contains(&first.as_str())).then_some(first)
}

/// Words, and other characters one by one, without what stands in quotes and in comments.
fn tokens(sql: &str) -> impl Iterator<Item = &str> {
    let mut rest = sql;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start();
            let first = rest.chars().next()?;
            let length = match first {
                '\'' | '"' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
                _ if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
                _ if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
                _ if is_of_word(first) => rest.find(|c| !is_of_word(c)).unwrap_or(rest.len()),
                _ => first.len_utf8(),
            };
            let (token, others) = rest.split_at(length);
            rest = others;
            // A doubled quote within quotes ends one text and begins the next.
            if !(token.starts_with(['\'', '"']) || token.starts_with("--") || token.starts_with("/*")) {
                return Some(token);
            }
        }
    })
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_placeholders_outside_of_texts_and_comments_count() {
        for (sql, count) in [
            ("SELECT 1", 0),
            ("SELECT * FROM bars WHERE a = ? AND b IN (?,?)", 3),
            ("SELECT '?' || 'it''s ?' || \"a?\" -- ?\n, ? /* ? \n ? */", 1),
            ("SELECT 'never closed ?", 0),
            ("SELECT /* never closed ?", 0),
            ("SELECT 7 -- ?", 0),
            ("SELECT '' || ?, a-?", 2),
        ] {
            assert_eq!(count_placeholders(sql), count, "{sql}");
        }
    }

    #[test]
    fn comments_alone_are_no_statement() {
        for (sql, expected) in [
            ("", true),
            ("-- One row", true),
            ("-- One row\n/* more */ ;\n-- end", true),
            ("-- One row\nSELECT 1", false),
            ("SELECT 1 -- One row", false),
        ] {
            assert_eq!(is_empty(sql), expected, "{sql}");
        }
    }

    #[test]
    fn only_statements_that_read_have_no_writing_keyword() {
        for (sql, keyword) in [
            ("SELECT 1", None),
            ("-- One row\n\nwith a AS (SELECT 1) SELECT * FROM a", None),
            ("(SELECT 1) UNION (SELECT 2)", None),
            ("/* DROP */ values (1)", None),
            ("SHOW PARTITIONS bars", None),
            ("describe bars", None),
            ("EXPLAIN (TYPE IO, FORMAT JSON) SELECT 1", None),
            ("EXPLAIN ANALYZE VERBOSE SELECT 1", None),
            ("", None),
            ("drop table bars", Some("DROP")),
            ("CREATE TABLE a AS SELECT 1", Some("CREATE")),
            ("INSERT INTO bars SELECT 1", Some("INSERT")),
            ("UNLOAD (SELECT 1) TO 's3://b'", Some("UNLOAD")),
            ("EXPLAIN ANALYZE INSERT INTO a SELECT 1", Some("INSERT")),
            ("explain analyze (format json) delete from a", Some("DELETE")),
            ("MSCK REPAIR TABLE bars", Some("MSCK")),
        ] {
            assert_eq!(writing_keyword(sql).as_deref(), keyword, "{sql}");
        }
    }
}
