//! A list of companies: the symbols that a run collects, and the names they go by. Lists are TOML files in the data bucket
//! ([`crate::ListName`]); the built-in one is `companies.toml` beside this crate's manifest.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Deserialize;
use toml::{Spanned, Table};

use crate::{Symbol, SymbolList};

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    company: Vec<Spanned<Table>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Company {
    symbol: Symbol,
    name: String,
    #[serde(default)]
    former: Vec<Symbol>,
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

    /// Reads the file of a list.
    ///
    /// # Errors
    /// Every entry that is wrong, and its line; of a file that is no TOML the first place that is not.
    pub fn parse(text: &str) -> Result<Self, InvalidCompanies> {
        let line = |at: usize| text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
        let file: File = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(0, |span| line(span.start));
            InvalidCompanies(vec![Problem { line, what: error.message().to_owned() }])
        })?;
        let (mut symbols, mut problems) = (vec![], vec![]);
        let (mut names, mut successors, mut known) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        for entry in file.company {
            let line = line(entry.span().start);
            let mut wrong = |what| problems.push(Problem { line, what });
            match entry.into_inner().try_into() {
                Err(error) => wrong(toml::de::Error::message(&error).to_owned()),
                Ok(Company { name, .. }) if name.trim().is_empty() => wrong("the name is empty".to_owned()),
                Ok(Company { symbol, name, former }) => {
                    for twice in former.iter().chain([&symbol]).filter(|symbol| !known.insert((*symbol).clone())) {
                        wrong(format!(
                            "{twice} is named twice: keep one entry for a symbol, whether current or former"
                        ));
                    }
                    successors.extend(former.into_iter().map(|former| (former, symbol.clone())));
                    symbols.push(symbol.clone());
                    names.insert(symbol, name);
                }
            }
        }
        if !problems.is_empty() {
            return Err(InvalidCompanies(problems));
        }
        let symbols = symbols.try_into().map_err(|error: crate::symbol_list::InvalidSymbolList| {
            InvalidCompanies(vec![Problem { line: 0, what: error.to_string() }])
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
        let many: String = (0..501).map(|n| format!("[[company]]\nsymbol = \"S{n}\"\nname = \"x\"\n")).collect();
        let errors = [bad, not_toml, none, "[[companies]]\n", &many].map(|text| match Companies::parse(text) {
            Ok(list) => format!("{list:?}"),
            Err(error) => error.to_string(),
        });
        insta::assert_snapshot!(errors.join("\n--\n"));
    }
}
