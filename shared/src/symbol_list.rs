//! The list of symbols that one run collects.

use std::{collections::BTreeSet, ops::Deref};

use serde::{Deserialize, Serialize};

use crate::Symbol;

/// One to [`SymbolList::MAX`] different symbols, in the order they were given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Symbol>")]
pub struct SymbolList(Vec<Symbol>);

/// Why symbols are not a list that can be collected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSymbolList {
    /// There is nothing to collect.
    #[error("the list of symbols is empty: name at least one, or leave the field out for the default companies")]
    Empty,
    /// The payloads of the run could exceed what Step Functions passes between states.
    #[error("{0} symbols are too many: one run takes at most {max}, so split them over several", max = SymbolList::MAX)]
    TooMany(usize),
}

impl SymbolList {
    /// At about 150 bytes a symbol the outcome stays well below the 256 KiB that Step Functions passes between states.
    /// <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>
    pub const MAX: usize = 500;
}

impl TryFrom<Vec<Symbol>> for SymbolList {
    type Error = InvalidSymbolList;

    /// A symbol given twice is collected once.
    fn try_from(symbols: Vec<Symbol>) -> Result<Self, Self::Error> {
        let mut seen = BTreeSet::new();
        let unique: Vec<_> = symbols.into_iter().filter(|symbol| seen.insert(symbol.clone())).collect();
        match unique.len() {
            0 => Err(InvalidSymbolList::Empty),
            count if count > Self::MAX => Err(InvalidSymbolList::TooMany(count)),
            _ => Ok(Self(unique)),
        }
    }
}

impl Deref for SymbolList {
    type Target = [Symbol];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
