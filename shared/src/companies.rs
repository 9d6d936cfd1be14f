//! The companies that a run collects by default, and the names they go by: `companies.toml` beside this crate's manifest.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::{Symbol, SymbolList, symbol_list::InvalidSymbolList};

/// The file as it was when the program was built.
const FILE: &str = include_str!("../companies.toml");

/// The companies file, read and checked.
#[derive(Debug, Clone)]
pub struct Companies {
    symbols: SymbolList,
    names: BTreeMap<Symbol, String>,
    successors: BTreeMap<Symbol, Symbol>,
}

/// What is wrong with a companies file.
#[derive(Debug, thiserror::Error)]
pub enum InvalidCompanies {
    /// It is not TOML, or has other fields than the comment at its top describes.
    #[error("companies.toml cannot be read: {0}")]
    Syntax(#[from] toml::de::Error),
    /// Two entries claim one symbol.
    #[error("companies.toml names {0} twice: keep one entry for a symbol, whether current or former")]
    Duplicate(Symbol),
    /// The file lists none, or too many.
    #[error("companies.toml: {0}")]
    List(#[from] InvalidSymbolList),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    company: Vec<Company>,
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
    /// The file that the program was built with.
    ///
    /// # Errors
    /// What is wrong with it, and in which line.
    pub fn built_in() -> Result<Self, InvalidCompanies> {
        Self::parse(FILE)
    }

    fn parse(text: &str) -> Result<Self, InvalidCompanies> {
        let file: File = toml::from_str(text)?;
        let symbols: Vec<_> = file.company.iter().map(|company| company.symbol.clone()).collect();
        let (mut names, mut successors, mut known) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        for Company { symbol, name, former } in file.company {
            if let Some(twice) = former.iter().chain([&symbol]).find(|symbol| !known.insert((*symbol).clone())) {
                return Err(InvalidCompanies::Duplicate(twice.clone()));
            }
            successors.extend(former.into_iter().map(|former| (former, symbol.clone())));
            names.insert(symbol, name);
        }
        Ok(Self { symbols: symbols.try_into()?, names, successors })
    }

    /// The symbols to collect by default.
    pub fn symbols(&self) -> &SymbolList {
        &self.symbols
    }

    /// The symbol under which a company trades that used to trade under `symbol`.
    pub fn successor(&self, symbol: &Symbol) -> Option<&Symbol> {
        self.successors.get(symbol)
    }

    /// The name of the company that trades under `symbol`. A former symbol has none: it can belong to somebody else by now.
    pub fn name(&self, symbol: &Symbol) -> Option<&str> {
        self.names.get(symbol).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_file_names_the_ten_of_the_original() -> Result<(), Box<dyn std::error::Error>> {
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
    fn a_bad_file_is_rejected_with_the_line() {
        for (text, says) in [
            ("[[company]]\nsymbol = \"a/b\"\nname = \"x\"", "\"a/b\" is not a symbol"),
            ("[[company]]\nsymbol = \"A\"", "missing field `name`"),
            ("[[company]]\nsymbol = \"A\"\nname = \"x\"\nticker = 1", "unknown field `ticker`"),
            ("[[company]]\nsymbol = \"A\"\nname = \"x\"\nformer = [\"A\"]", "names A twice"),
            ("company = []", "the list of symbols is empty"),
        ] {
            let said = Companies::parse(text).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(said.contains(says), "{text}: {said}");
            let has_a_line = text.starts_with('[') && !says.contains("twice");
            assert!(
                !has_a_line || said.contains("line 2") || said.contains("line 4") || said.contains("line 1"),
                "{said}"
            );
        }
    }
}
