//! What is kept of a day's companies while their rows pass: sums, the first of each ranking, and a line of text for each. The rows
//! themselves are kept of a day of few companies, and otherwise of those that are in a ranking.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use shared::{
    Interval, Symbol,
    payload::{CollectedSymbol, SymbolOutcomes},
};

use super::{
    company::Company, comparison::curve, distribution::Distribution, lines::Lines, listed::Listed, rankings::Rankings,
    session::Sessions,
};
use crate::query_result::CompanyRows;

/// With more companies the table has rows of those that are in a ranking, and the others are found by the search.
pub const MAX_ROWS: usize = 500;

/// The companies of a day, as far as the page needs them.
#[derive(Debug)]
pub struct Summary<'a> {
    interval: Interval,
    collected: HashMap<&'a Symbol, &'a CollectedSymbol>,
    /// Those of all companies, as long as they are at most [`MAX_ROWS`].
    rows: Vec<Arc<CompanyRows>>,
    pub totals: Totals,
    pub rankings: Rankings,
    pub distribution: Distribution,
    pub lines: Lines,
}

/// Sums over all companies.
#[derive(Debug, Default)]
pub struct Totals {
    pub companies: usize,
    /// The number of companies by the class of their direction.
    pub directions: BTreeMap<&'static str, usize>,
    /// The number of bars that were expected, of those that are missing, and of the companies that miss some.
    pub expected: usize,
    pub missing: usize,
    pub short: Listed<Short>,
    /// The companies of which earlier runs have bars that this one lacks, and how many.
    pub filled: Listed<(Symbol, usize)>,
    pub currencies: BTreeSet<String>,
    /// Whether the change of a company is from its own open.
    pub without_previous_close: bool,
    /// The first and the last hour of all rows.
    pub hours: Option<(i8, i8)>,
    /// The minutes in which the first and the last bar start.
    pub minutes: Option<(u16, u16)>,
    pub sessions: Sessions,
}

/// A symbol that lacks bars.
#[derive(Debug)]
pub struct Short {
    pub symbol: Symbol,
    pub bars: String,
    pub missing: String,
}

impl<'a> Summary<'a> {
    /// The summary of no companies yet.
    pub fn new(outcomes: &'a SymbolOutcomes, interval: Interval) -> Self {
        Self {
            interval,
            collected: outcomes.collected.iter().map(|collected| (&collected.symbol, collected)).collect(),
            rows: vec![],
            totals: Totals::default(),
            rankings: Rankings::default(),
            distribution: Distribution::default(),
            lines: Lines::default(),
        }
    }

    /// Adds the next company; they come by company name and symbol.
    pub fn add(&mut self, rows: CompanyRows) {
        let rows = Arc::new(rows);
        let collected = self.collected.get(&rows.symbol).copied();
        let Some(company) = Company::of(&rows, collected, self.interval) else { return };
        self.totals.add(&company, self.interval);
        self.rankings.add(&company, &rows);
        self.distribution.add(&curve(&company, self.interval));
        self.lines.add(&company);
        if self.is_whole() {
            self.rows.push(rows);
        } else {
            self.rows.clear();
        }
    }

    /// Whether the table has a row of every company.
    pub fn is_whole(&self) -> bool {
        self.totals.companies <= MAX_ROWS
    }

    /// The rows of the companies that have a row in the table, by company name and symbol.
    pub fn rows(&self) -> Vec<Arc<CompanyRows>> {
        if self.is_whole() { self.rows.clone() } else { self.rankings.companies() }
    }

    /// The company of these rows.
    pub fn company<'c>(&'c self, rows: &'c CompanyRows) -> Option<Company<'c>> {
        Company::of(rows, self.collected.get(&rows.symbol).copied(), self.interval)
    }
}

impl Totals {
    fn add(&mut self, company: &Company<'_>, interval: Interval) {
        self.companies += 1;
        *self.directions.entry(company.direction()).or_default() += 1;
        self.expected += company.expected().unwrap_or_default();
        let missing = company.missing();
        self.missing += missing;
        let symbol = company.symbol();
        if missing > 0 {
            let missing = company.describe_missing(interval);
            self.short.push(Short { symbol: symbol.clone(), bars: company.bars(), missing });
        }
        let filled = company.of_earlier_runs();
        if filled > 0 {
            self.filled.push((symbol.clone(), filled));
        }
        if !self.currencies.contains(company.currency()) {
            self.currencies.insert(company.currency().to_owned());
        }
        self.without_previous_close |= company.day.previous_close.is_none();
        self.hours = wider(self.hours, company.day.hours.iter().map(|row| row.hour));
        self.minutes = wider(self.minutes, company.closes.iter().map(|close| close.minute));
        self.sessions.add(company, interval);
    }
}

/// The least and the greatest of the values and those before.
fn wider<T: Ord + Copy>(before: Option<(T, T)>, values: impl Iterator<Item = T>) -> Option<(T, T)> {
    values.fold(before, |range, value| {
        Some(range.map_or((value, value), |(least, greatest)| (least.min(value), greatest.max(value))))
    })
}
