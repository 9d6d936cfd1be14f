//! A list in TOML: a table `[[company]]` for each, with `symbol`, `name` and, where it traded under others, `former`.

use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeTable, DeValue, ValueDeserializer},
};

use super::{Company, Problem};
use crate::Symbol;

/// The line with which an entry begins.
const ENTRY: &str = "[[company]]";

/// The right entries, and what is wrong with the others: it is read entry by entry and field by field, so that one problem hides no
/// other. The parser takes fifty times the memory of its text, so it is given one entry at a time.
pub fn read(text: &str) -> (Vec<Company>, Vec<Problem>) {
    let (mut companies, mut problems, mut lines) = (vec![], vec![], 0);
    for part in parts(text) {
        companies.extend(Reader::new(part, lines).read(&mut problems));
        lines += part.matches('\n').count();
    }
    (companies, problems)
}

/// The text in parts that are documents of their own: each entry, and the comments before the first one. Where a text may go on over
/// several lines, one of these may look like the beginning of an entry, so all is one part; and where something else comes first.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let has_long_texts = ["\"\"\"", "'''"].iter().any(|quotes| text.contains(quotes));
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    let is_one_part = has_long_texts || !first.is_some_and(|line| line.starts_with(ENTRY));
    let is_entry = move |at: &usize| !is_one_part && text[*at..].starts_with(ENTRY);
    let begins = text.match_indices('\n').map(|(at, _)| at + 1).filter(is_entry);
    let mut from = 0;
    begins.chain([text.len()]).map(move |to| &text[std::mem::replace(&mut from, to)..to])
}

/// Reads a part of the file.
struct Reader<'a> {
    text: &'a str,
    /// The number of lines before it.
    lines: usize,
    /// Where each of its own ends.
    line_ends: Vec<usize>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, lines: usize) -> Self {
        Self { text, lines, line_ends: text.match_indices('\n').map(|(at, _)| at).collect() }
    }

    fn read(&self, problems: &mut Vec<Problem>) -> Vec<Company> {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        if !errors.is_empty() {
            let at = |error: &toml::de::Error| error.span().map_or(0, |span| self.line(span.start));
            problems.extend(errors.iter().map(|error| Problem { line: at(error), what: error.message().to_owned() }));
            return vec![];
        }
        let mut companies = Vec::new();
        for (key, value) in document.get_ref() {
            match (key.get_ref().as_ref(), value.get_ref().as_array()) {
                ("company", Some(entries)) => {
                    companies.extend(entries.iter().filter_map(|entry| self.company(entry, problems)));
                }
                ("company", None) => problems.push(self.problem(value, "company is not a list of tables".to_owned())),
                (other, _) => problems.push(self.problem(key, format!("unknown field `{other}`, expected `company`"))),
            }
        }
        companies
    }

    fn company(&self, entry: &Spanned<DeValue<'_>>, problems: &mut Vec<Problem>) -> Option<Company> {
        let before = problems.len();
        let (mut symbol, mut name, mut former) = (None, None, vec![]);
        for (key, value) in entry.get_ref().as_table().into_iter().flatten() {
            let wrong = match key.get_ref().as_ref() {
                "symbol" => value_of(value).map(|read| symbol = Some((self.line(value.span().start), read))).err(),
                "name" => match value_of::<String>(value) {
                    Ok(text) if text.trim().is_empty() => Some("the name is empty".to_owned()),
                    read => read.map(|text| name = Some(text)).err(),
                },
                "former" => self.former(value).map(|symbols| former = symbols).err(),
                other => {
                    let what = format!("unknown field `{other}`, expected one of `symbol`, `name`, `former`");
                    problems.push(self.problem(key, what));
                    None
                }
            };
            problems.extend(wrong.map(|what| self.problem(value, what)));
        }
        if let (Some(symbol), Some(name)) = (&symbol, &name) {
            return Some(Company { symbol: symbol.clone(), name: name.clone(), former });
        }
        if problems.len() == before {
            let missing = if symbol.is_none() { "symbol" } else { "name" };
            problems.push(self.problem(entry, format!("missing field `{missing}`")));
        }
        None
    }

    fn former(&self, value: &Spanned<DeValue<'_>>) -> Result<Vec<(usize, Symbol)>, String> {
        let symbols = value.get_ref().as_array().ok_or("former is not a list of symbols")?;
        symbols.iter().map(|symbol| Ok((self.line(symbol.span().start), value_of(symbol)?))).collect()
    }

    fn problem<T>(&self, at: &Spanned<T>, what: String) -> Problem {
        Problem { line: self.line(at.span().start), what }
    }

    /// The line of a place in the text, from 1 on.
    fn line(&self, at: usize) -> usize {
        self.lines + self.line_ends.partition_point(|end| *end < at) + 1
    }
}

fn value_of<T: DeserializeOwned>(value: &Spanned<DeValue<'_>>) -> Result<T, String> {
    T::deserialize(ValueDeserializer::from(value.clone())).map_err(|error| error.message().to_owned())
}
