//! What the report shows of one company's day.

use std::{cmp::Ordering, collections::BTreeSet};

use jiff::civil::Time;
use shared::{
    CompanyDay, Gap, Interval, Price, Symbol, company_day, currency,
    format::{clock, percent, price, thousands},
    payload::CollectedSymbol,
};

use crate::query_result::{BarClose, CompanyRows};

/// One company's day: its hours, its bars' closes and what was collected of it.
#[derive(Debug)]
pub struct Company<'a> {
    pub day: CompanyDay<'a>,
    /// The last prices of its bars, oldest first.
    pub closes: &'a [BarClose],
    /// None where the run has no bars of it, and an earlier one has.
    pub collected: Option<&'a CollectedSymbol>,
    /// The starts of the bars that are missing of its session, in what this run and earlier ones have collected; none where the
    /// run does not list its gaps.
    missing_starts: Option<Vec<Time>>,
}

/// What stands where a value is not known.
const UNKNOWN: &str = "\u{2013}";

impl<'a> Company<'a> {
    /// The company of these rows; none without rows.
    pub fn of(rows: &'a CompanyRows, collected: Option<&'a CollectedSymbol>, interval: Interval) -> Option<Self> {
        let day = CompanyDay::of(&rows.hours).pop()?;
        let missing_starts = missing_starts(collected, &rows.closes, interval);
        Some(Self { day, closes: &rows.closes, collected, missing_starts })
    }

    pub fn symbol(&self) -> &'a Symbol {
        self.day.symbol
    }

    /// A price in percent of the one that the day's changes are measured from.
    pub fn percent(&self, price: Price) -> Option<f64> {
        Some(company_day::change(self.day.base()?, price))
    }

    /// The square root of the sum of the squared logarithms of each bar's close by the one before, in percent; none with
    /// fewer than two bars.
    pub fn volatility(&self) -> Option<f64> {
        let squares = self.closes.windows(2).map(|pair| (pair[1].price.get() / pair[0].price.get()).ln().powi(2));
        (self.closes.len() > 1).then(|| squares.sum::<f64>().sqrt() * 100.0)
    }

    /// The number of bars of a session without gaps, where it is known.
    pub fn expected(&self) -> Option<usize> {
        self.collected?.expected
    }

    /// How many bars of its session are missing, in what this run and earlier ones have collected. Bars outside of the
    /// session make up for none.
    pub fn missing(&self) -> usize {
        match &self.missing_starts {
            Some(starts) => starts.len(),
            None => self.expected().map_or(0, |expected| expected.saturating_sub(self.day.bars as usize)),
        }
    }

    /// The bars that are missing, such as `10:05, 12:30-12:40`.
    pub fn describe_missing(&self, interval: Interval) -> String {
        let Some(starts) = &self.missing_starts else { return "too many to list".to_owned() };
        Gap::join(starts.iter().copied(), interval).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// The number of bars that this run lacks, and an earlier one has.
    pub fn of_earlier_runs(&self) -> usize {
        let lacks = self.collected.map_or(0, |of| of.expected.map_or(0, |expected| expected.saturating_sub(of.bars)));
        lacks.saturating_sub(self.missing())
    }

    /// Yahoo's code of the currency, or that it is unknown.
    pub fn currency(&self) -> &'a str {
        self.day.currency.unwrap_or(currency::UNKNOWN)
    }

    pub fn close(&self) -> String {
        self.day.close.map_or_else(|| UNKNOWN.to_owned(), price)
    }

    /// The change, with a star where it is from the day's open, since no previous close is known.
    pub fn change(&self) -> String {
        let star = if self.day.previous_close.is_none() { "*" } else { "" };
        self.day.change().map_or_else(|| UNKNOWN.to_owned(), |change| percent(change) + star)
    }

    /// The class of the direction: `up`, `dn` or nothing.
    pub fn direction(&self) -> &'static str {
        direction(self.day.change().unwrap_or_default())
    }

    pub fn gap(&self) -> String {
        self.day.gap().map_or_else(|| UNKNOWN.to_owned(), percent)
    }

    pub fn high(&self) -> String {
        price(self.day.high.0)
    }

    pub fn high_at(&self) -> String {
        clock(self.day.high.1)
    }

    pub fn low(&self) -> String {
        price(self.day.low.0)
    }

    pub fn low_at(&self) -> String {
        clock(self.day.low.1)
    }

    pub fn range(&self) -> String {
        self.day.range().map_or_else(|| UNKNOWN.to_owned(), share)
    }

    pub fn volatility_text(&self) -> String {
        self.volatility().map_or_else(|| UNKNOWN.to_owned(), share)
    }

    pub fn volume(&self) -> String {
        thousands(self.day.volume)
    }

    /// The number of bars, and where some are missing of how many.
    pub fn bars(&self) -> String {
        let missing = self.missing();
        match self.expected().filter(|_| missing > 0) {
            Some(expected) => format!("{} of {}", thousands(expected.saturating_sub(missing)), thousands(expected)),
            None => thousands(self.day.bars),
        }
    }
}

/// The gaps that the run lists, without the bars that are there of earlier runs.
fn missing_starts(collected: Option<&CollectedSymbol>, closes: &[BarClose], interval: Interval) -> Option<Vec<Time>> {
    let gaps = collected?.gaps.as_ref()?;
    let minute = |at: &Time| u16::from(at.hour().unsigned_abs()) * 60 + u16::from(at.minute().unsigned_abs());
    let present: BTreeSet<_> = closes.iter().map(|close| close.minute).collect();
    Some(gaps.iter().flat_map(|gap| gap.starts(interval)).filter(|at| !present.contains(&minute(at))).collect())
}

/// The class of a change: `up`, `dn` or nothing, by what is shown of it.
pub fn direction(change: f64) -> &'static str {
    match percent(change).chars().next() {
        Some('+') => "up",
        Some('\u{2212}') => "dn",
        _ => "",
    }
}

/// A share of a hundred without a sign: `2.21%`.
pub fn share(value: f64) -> String {
    format!("{value:.2}%")
}

/// The companies that have the value, the greatest first; of equal ones in their order.
pub fn ranked<'c, 'a>(
    companies: &'c [Company<'a>],
    value: impl Fn(&Company<'a>) -> Option<f64>,
) -> Vec<(&'c Company<'a>, f64)> {
    let mut ranked: Vec<_> = companies.iter().filter_map(|company| Some((company, value(company)?))).collect();
    ranked.sort_by(|(_, a), (_, b)| b.partial_cmp(a).unwrap_or(Ordering::Equal));
    ranked
}
