//! The JSON forms of `lists` and of `lists show`.

use jiff::Timestamp;
use serde::Serialize;
use shared::{Companies, ListName, Symbol};

use crate::output::json::Place;

#[derive(Debug, Serialize)]
pub struct ListsJson {
    #[serde(flatten)]
    pub place: Place,
    /// By name.
    pub lists: Vec<StoredJson>,
}

#[derive(Debug, Serialize)]
pub struct StoredJson {
    pub list: ListName,
    /// When it was changed last, in UTC; `null` of the built-in one.
    pub changed: Option<Timestamp>,
    /// The number of its companies; `null` where it is not right.
    pub companies: Option<usize>,
    /// What is wrong with it, a line for each problem.
    pub problem: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct ListJson<'a> {
    #[serde(flatten)]
    pub place: Place,
    pub list: &'a ListName,
    /// In the order of the file.
    pub companies: Vec<CompanyJson<'a>>,
}

#[derive(Debug, Serialize)]
pub struct CompanyJson<'a> {
    pub symbol: &'a Symbol,
    pub name: &'a str,
    /// Symbols under which it used to trade.
    pub former: &'a [Symbol],
}

impl<'a> CompanyJson<'a> {
    pub fn of(companies: &'a Companies, symbol: &'a Symbol) -> Self {
        let name = companies.name(symbol).unwrap_or_default();
        Self { symbol, name, former: companies.former(symbol) }
    }
}
