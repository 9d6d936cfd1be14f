//! The symbols that are meant when none are named: those of the companies file that the functions are built with.

use anyhow::Context;
use serde::Deserialize;
use shared::{Symbol, payload::SymbolList};

const FILE: &str = include_str!("../../functions/collect/companies.toml");

#[derive(Deserialize)]
struct File {
    company: Vec<Company>,
}

#[derive(Deserialize)]
struct Company {
    symbol: Symbol,
}

/// The default symbols, in the order of the file.
///
/// # Errors
/// When the file is not a list of companies.
pub fn symbols() -> anyhow::Result<SymbolList> {
    let what_to_do = "functions/collect/companies.toml cannot be read: correct it as its opening comment says";
    let file: File = toml::from_str(FILE).context(what_to_do)?;
    let symbols: Vec<_> = file.company.into_iter().map(|company| company.symbol).collect();
    SymbolList::try_from(symbols).context(what_to_do)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_companies_file_gives_its_symbols() -> anyhow::Result<()> {
        let symbols = symbols()?;
        assert_eq!((symbols.len(), symbols.first().map(Symbol::as_str)), (10, Some("META")));
        Ok(())
    }
}
