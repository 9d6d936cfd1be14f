//! The companies that are first in something, kept while all companies pass.

use std::sync::Arc;

use shared::{
    Symbol,
    format::{compact, percent, thousands},
};

use super::company::{Company, direction, share};
use crate::query_result::CompanyRows;

/// How many companies a list has on the page of few companies.
const SHORT: usize = 5;
/// How many are kept of each ranking, and shown on the page of many: so many that all of them together have at most a hundred.
pub const LONG: usize = 100 / KINDS.len();

/// What companies are ranked by.
struct Kind {
    title: &'static str,
    /// The greatest comes first.
    value: fn(&Company<'_>) -> Option<f64>,
    text: fn(&Company<'_>, f64) -> String,
    is_shown: fn(f64) -> bool,
    /// Whether it is a list of the page of few companies, too.
    is_for_few: bool,
}

const KINDS: [Kind; 7] = [
    Kind {
        title: "Up",
        value: |company| company.day.change(),
        text: |_, change| percent(change),
        is_shown: |change| direction(change) == "up",
        is_for_few: true,
    },
    Kind {
        title: "Down",
        value: |company| company.day.change().map(|change| -change),
        text: |_, fall| percent(-fall),
        is_shown: |fall| direction(-fall) == "dn",
        is_for_few: true,
    },
    Kind {
        title: "Range",
        value: |company| company.day.range(),
        text: |_, range| share(range),
        is_shown: |_| true,
        is_for_few: true,
    },
    Kind {
        title: "Volatility",
        value: |company| company.volatility(),
        text: |_, volatility| share(volatility),
        is_shown: |_| true,
        is_for_few: true,
    },
    Kind {
        title: "Volume",
        #[allow(clippy::cast_precision_loss)] // it decides the order alone
        value: |company| (company.day.volume > 0).then_some(company.day.volume as f64),
        text: |company, _| compact(company.day.volume),
        is_shown: |_| true,
        is_for_few: true,
    },
    Kind {
        title: "Gap",
        value: |company| company.day.gap().map(f64::abs),
        text: |company, _| company.gap(),
        is_shown: |gap| gap > 0.0,
        is_for_few: false,
    },
    Kind {
        title: "Missing bars",
        #[allow(clippy::cast_precision_loss)] // it decides the order alone
        value: |company| (company.missing() > 0).then_some(company.missing() as f64),
        text: |company, _| thousands(company.missing()),
        is_shown: |_| true,
        is_for_few: false,
    },
];

/// The first of each ranking.
#[derive(Debug, Default)]
pub struct Rankings([Vec<Ranked>; KINDS.len()]);

/// A company's place in a ranking.
#[derive(Debug)]
pub struct Ranked {
    value: f64,
    /// The value as it is shown.
    pub text: String,
    rows: Arc<CompanyRows>,
}

impl Ranked {
    pub fn symbol(&self) -> &Symbol {
        &self.rows.symbol
    }
}

/// A list of the companies that are first in something.
#[derive(Debug)]
pub struct Movers<'a> {
    pub title: &'static str,
    pub rows: Vec<&'a Ranked>,
}

impl Rankings {
    /// Puts a company, which has these rows, where it belongs. Of companies with one value the first stays before the others.
    pub fn add(&mut self, company: &Company<'_>, rows: &Arc<CompanyRows>) {
        for (Kind { value, text, .. }, first) in KINDS.iter().zip(&mut self.0) {
            let Some(value) = value(company) else { continue };
            let place = first.partition_point(|other| other.value >= value);
            if place < LONG {
                first.truncate(LONG - 1);
                first.insert(place, Ranked { value, text: text(company, value), rows: Arc::clone(rows) });
            }
        }
    }

    /// The company with the greatest change, that with the least, and that with the widest range.
    pub fn extremes(&self) -> [Option<&Ranked>; 3] {
        let [up, down, range, ..] = &self.0;
        [up.first(), down.first(), range.first()]
    }

    /// The number of companies with a change, as far as they are kept: whether there are two.
    pub fn have_two_changes(&self) -> bool {
        self.0[0].len() > 1
    }

    /// The lists that are not empty, of the page of few companies or of many.
    pub fn movers(&self, are_many: bool) -> Vec<Movers<'_>> {
        let lists = KINDS.iter().zip(&self.0).filter(|(kind, _)| kind.is_for_few || are_many);
        lists
            .map(|(kind, first)| Movers {
                title: kind.title,
                rows: first
                    .iter()
                    .filter(|ranked| (kind.is_shown)(ranked.value))
                    .take(if are_many { LONG } else { SHORT })
                    .collect(),
            })
            .filter(|list| !list.rows.is_empty())
            .collect()
    }

    /// The rows of every company that is in a ranking, by company name and symbol.
    pub fn companies(&self) -> Vec<Arc<CompanyRows>> {
        let mut companies: Vec<_> = self.0.iter().flatten().map(|ranked| Arc::clone(&ranked.rows)).collect();
        companies.sort_by(|a, b| a.name_and_symbol().cmp(&b.name_and_symbol()));
        companies.dedup_by(|a, b| a.symbol == b.symbol);
        companies
    }
}
