//! The list of symbols that one run collects.

use std::{collections::BTreeSet, ops::Deref};

use serde::{Deserialize, Serialize};

use crate::Symbol;

/// One or more different symbols, in the order they were given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Symbol>")]
pub struct SymbolList(Vec<Symbol>);

/// There is nothing to collect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the list of symbols is empty: name at least one, or leave the field out for the default companies")]
pub struct EmptySymbolList;

impl TryFrom<Vec<Symbol>> for SymbolList {
    type Error = EmptySymbolList;

    /// A symbol given twice is collected once.
    fn try_from(symbols: Vec<Symbol>) -> Result<Self, Self::Error> {
        let mut seen = BTreeSet::new();
        let unique: Vec<_> = symbols.into_iter().filter(|symbol| seen.insert(symbol.clone())).collect();
        if unique.is_empty() { Err(EmptySymbolList) } else { Ok(Self(unique)) }
    }
}

impl Deref for SymbolList {
    type Target = [Symbol];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
