//! A day while its companies pass: each goes into the CSV, into what the report shows, and into what the query has seen.

use std::collections::{BTreeMap, HashSet};

use shared::{
    Interval, Symbol, hourly_extreme,
    payload::{CarriedOver, SymbolOutcomes},
};

use crate::{
    Error,
    body::{Body, BodyFile},
    query_result::{CompanyRows, SeenSymbol},
    report::Summary,
};

/// The companies so far, of those that the run requested.
#[derive(Debug)]
pub struct Day<'a> {
    outcomes: &'a SymbolOutcomes,
    requested: HashSet<&'a Symbol>,
    csv: hourly_extreme::Writer<BodyFile>,
    /// The number of rows of the CSV.
    pub rows: usize,
    /// What the query says of each symbol.
    pub symbols: BTreeMap<Symbol, SeenSymbol>,
    /// What the report shows.
    pub summary: Summary<'a>,
}

impl<'a> Day<'a> {
    /// The day of no companies yet.
    ///
    /// # Errors
    /// [`Error::Scratch`], as of all functions here.
    pub fn new(outcomes: &'a SymbolOutcomes, interval: Interval) -> Result<Self, Error> {
        Ok(Self {
            outcomes,
            requested: outcomes.requested().collect(),
            csv: hourly_extreme::Writer::new(BodyFile::new()?).map_err(std::io::Error::from)?,
            rows: 0,
            symbols: BTreeMap::new(),
            summary: Summary::new(outcomes, interval),
        })
    }

    /// Adds a company, unless the run did not request it: the query sees whatever was collected of the day.
    ///
    /// # Errors
    /// As [`Day::new`].
    pub fn add(&mut self, company: CompanyRows) -> Result<(), Error> {
        if !self.requested.contains(&company.symbol) {
            return Ok(());
        }
        for row in &company.hours {
            self.csv.write(row).map_err(std::io::Error::from)?;
        }
        self.rows += company.hours.len();
        self.symbols.insert(company.symbol.clone(), company.seen);
        self.summary.add(company);
        Ok(())
    }

    /// The symbols of which bars were left out because they are of another scale or currency.
    pub fn restated(&self) -> Vec<Symbol> {
        let restated = self.symbols.iter().filter(|(_, seen)| seen.restated);
        restated.map(|(symbol, _)| symbol.clone()).collect()
    }

    /// The symbols of which the run has no bars, and an earlier one has.
    pub fn carried_over(&self) -> Vec<CarriedOver> {
        let failed: HashSet<_> = self.outcomes.failed.iter().map(|it| &it.symbol).collect();
        let kept = self.symbols.iter().filter(|(symbol, _)| failed.contains(symbol));
        kept.map(|(symbol, seen)| CarriedOver { symbol: symbol.clone(), collected_at: seen.collected_at }).collect()
    }

    /// The CSV.
    ///
    /// # Errors
    /// As [`Day::new`].
    pub fn finish(self) -> Result<Body, Error> {
        Ok(self.csv.into_inner().map_err(std::io::Error::from)?.finish()?)
    }
}
