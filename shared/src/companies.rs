//! A list of companies: the symbols that a run collects, and the names they go by. Lists are TOML files in the data bucket
//! ([`crate::ListName`]); the built-in one is `companies.toml` beside this crate's manifest.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeTable, DeValue, ValueDeserializer},
};

use crate::{Symbol, SymbolList, symbol_list::EmptySymbolList};

/// The file as it was when the program was built.
const FILE: &str = include_str!("../companies.toml");

/// A list, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companies {
    symbols: SymbolList,
    names: BTreeMap<Symbol, String>,
    successors: BTreeMap<Symbol, Symbol>,
}

/// Everything that is wrong with the file of a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InvalidCompanies(Vec<Problem>);

/// Something that is wrong with the file of a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    /// From 1 on; 0 where it is about the whole file.
    line: usize,
    what: String,
}

/// An entry of the file, with the line of each symbol.
struct Company {
    symbol: (usize, Symbol),
    name: String,
    former: Vec<(usize, Symbol)>,
}

impl Companies {
    /// The list that the program was built with: that of the name `companies` where the data bucket has none.
    ///
    /// # Errors
    /// What is wrong with it, and in which lines.
    pub fn built_in() -> Result<Self, InvalidCompanies> {
        Self::parse(FILE)
    }

    /// The text of the built-in list.
    pub fn built_in_text() -> &'static str {
        FILE
    }

    /// Reads the file of a list as it is stored.
    ///
    /// # Errors
    /// As [`Companies::parse`], and when it is not text in UTF-8.
    pub fn read(file: &[u8]) -> Result<Self, InvalidCompanies> {
        let text = str::from_utf8(file).map_err(|error| {
            let before = file.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            InvalidCompanies(vec![Problem { line, what: "it is not text in UTF-8: save the file as UTF-8".to_owned() }])
        })?;
        Self::parse(text)
    }

    /// Reads the text of a list.
    ///
    /// # Errors
    /// Everything that is wrong, each with its line.
    pub fn parse(text: &str) -> Result<Self, InvalidCompanies> {
        let (mut symbols, mut names, mut successors) = (vec![], BTreeMap::new(), BTreeMap::new());
        let (companies, mut problems) = Reader::new(text).read();
        let mut known = BTreeSet::new();
        for Company { symbol, name, former } in companies {
            for (line, twice) in former.iter().chain([&symbol]).filter(|(_, symbol)| !known.insert(symbol.clone())) {
                let what = format!("{twice} is named twice: keep one entry for a symbol, whether current or former");
                problems.push(Problem { line: *line, what });
            }
            let (_, symbol) = symbol;
            successors.extend(former.into_iter().map(|(_, former)| (former, symbol.clone())));
            symbols.push(symbol.clone());
            names.insert(symbol, name);
        }
        if !problems.is_empty() {
            problems.sort();
            return Err(InvalidCompanies(problems));
        }
        let symbols = symbols.try_into().map_err(|EmptySymbolList| {
            let what = "the list has no company: add one at least".to_owned();
            InvalidCompanies(vec![Problem { line: 0, what }])
        })?;
        Ok(Self { symbols, names, successors })
    }

    /// The symbols to collect, in the order of the file.
    pub fn symbols(&self) -> &SymbolList {
        &self.symbols
    }

    /// The symbol under which a company trades that used to trade under `symbol`.
    pub fn successor(&self, symbol: &Symbol) -> Option<&Symbol> {
        self.successors.get(symbol)
    }

    /// The symbols under which the company used to trade that trades under `symbol`.
    pub fn former(&self, symbol: &Symbol) -> impl Iterator<Item = &Symbol> {
        self.successors.iter().filter(move |(_, successor)| *successor == symbol).map(|(former, _)| former)
    }

    /// The name of the company that trades under `symbol`. A former symbol has none: it can belong to somebody else by now.
    pub fn name(&self, symbol: &Symbol) -> Option<&str> {
        self.names.get(symbol).map(String::as_str)
    }
}

/// Reads entry by entry and field by field, so that one problem hides no other.
struct Reader<'a> {
    text: &'a str,
    /// Where each line ends.
    line_ends: Vec<usize>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, line_ends: text.match_indices('\n').map(|(at, _)| at).collect() }
    }

    /// The right entries, and what is wrong with the others.
    fn read(&self) -> (Vec<Company>, Vec<Problem>) {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        let at = |error: &toml::de::Error| error.span().map_or(0, |span| self.line(span.start));
        let mut problems: Vec<_> =
            errors.iter().map(|error| Problem { line: at(error), what: error.message().to_owned() }).collect();
        if !problems.is_empty() {
            return (vec![], problems);
        }
        let mut companies = Vec::new();
        for (key, value) in document.get_ref() {
            match (key.get_ref().as_ref(), value.get_ref().as_array()) {
                ("company", Some(entries)) => {
                    companies.extend(entries.iter().filter_map(|entry| self.company(entry, &mut problems)));
                }
                ("company", None) => problems.push(self.problem(value, "company is not a list of tables".to_owned())),
                (other, _) => problems.push(self.problem(key, format!("unknown field `{other}`, expected `company`"))),
            }
        }
        (companies, problems)
    }

    fn company(&self, entry: &Spanned<DeValue<'_>>, problems: &mut Vec<Problem>) -> Option<Company> {
        let before = problems.len();
        let (mut symbol, mut name, mut former) = (None, None, vec![]);
        for (key, value) in entry.get_ref().as_table().into_iter().flatten() {
            let wrong = match key.get_ref().as_ref() {
                "symbol" => read(value).map(|read| symbol = Some((self.line(value.span().start), read))).err(),
                "name" => match read::<String>(value) {
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
        symbols.iter().map(|symbol| Ok((self.line(symbol.span().start), read(symbol)?))).collect()
    }

    fn problem<T>(&self, at: &Spanned<T>, what: String) -> Problem {
        Problem { line: self.line(at.span().start), what }
    }

    /// The line of a place in the text, from 1 on.
    fn line(&self, at: usize) -> usize {
        self.line_ends.partition_point(|end| *end < at) + 1
    }
}

fn read<T: DeserializeOwned>(value: &Spanned<DeValue<'_>>) -> Result<T, String> {
    T::deserialize(ValueDeserializer::from(value.clone())).map_err(|error| error.message().to_owned())
}

impl fmt::Display for InvalidCompanies {
    /// A line for each problem, such as `line 7: "a/b" is not a symbol`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Problem { line, what }) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "\n" };
            match line {
                0 => write!(f, "{separator}{what}")?,
                line => write!(f, "{separator}line {line}: {what}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_list_names_the_ten_of_the_original() -> Result<(), Box<dyn std::error::Error>> {
        let companies = Companies::built_in()?;
        let names: Vec<_> = companies.symbols().iter().filter_map(|symbol| companies.name(symbol)).collect();
        assert_eq!(names.len(), 10);
        assert_eq!(companies.name(&"XYZ".parse()?), Some("Block"));
        assert_eq!(companies.name(&"SQ".parse()?), None);
        assert_eq!(companies.successor(&"FB".parse()?).map(Symbol::as_str), Some("META"));
        assert_eq!(companies.successor(&"META".parse()?), None);
        Ok(())
    }

    #[test]
    fn a_bad_list_is_rejected_with_every_bad_line() {
        let bad = "\
# Two of five are right.
[[company]]
symbol = \"A\"
name = \"Agilent\"

[[company]]
symbol = \"a/b\"
name = \"x\"

[[company]]
symbol = \"B\"

[[company]]
symbol = \"C\"
name = \"Citigroup\"
ticker = 1

[[company]]
symbol = \"D\"
name = \" \"

[[company]]
symbol = \"E\"
name = \"Eni\"
former = [\"A\", \"E\"]
";
        let not_toml = "[[company]]\nsymbol = \"A\"\nname = Agilent\n";
        let none = "company = []";
        let errors = [bad, not_toml, none, "[[companies]]\n"].map(|text| match Companies::parse(text) {
            Ok(list) => format!("{list:?}"),
            Err(error) => error.to_string(),
        });
        insta::assert_snapshot!(errors.join("\n--\n"));
        let latin = Companies::read(b"[[company]]\nsymbol = \"SNAP\"\nname = \"Caf\xe9\"\n")
            .err()
            .map(|error| error.to_string());
        assert_eq!(latin.as_deref(), Some("line 3: it is not text in UTF-8: save the file as UTF-8"));
    }
}
