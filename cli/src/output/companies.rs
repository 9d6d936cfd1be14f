//! A line for each company: what its day was. Columns that do not fit the terminal are left out, the least telling first.

use std::{cmp::Ordering, collections::BTreeSet};

use clap::ValueEnum;
use console::{Alignment, Style, measure_text_width, pad_str, truncate_str};
use jiff::Zoned;
use shared::{
    CompanyDay, Price,
    format::{clock, compact, percent, price, thousands},
};

use super::{
    console::printable,
    result::wrapped,
    terminal::{Styled, Terminal},
};

/// The most characters of a company's name that are shown.
const MAX_NAME: usize = 28;

/// The spaces between two columns.
const GAP: usize = 2;

/// The order of companies: names from A on, numbers from the largest on; where one is not known it comes last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum SortBy {
    /// By the company's name, as in the CSV.
    #[default]
    Company,
    Symbol,
    Change,
    Gap,
    Range,
    Volume,
}

impl SortBy {
    /// Sorts the days of companies that stand in the CSV's order; equal ones stay in it.
    pub fn sort(self, days: &mut [CompanyDay<'_>]) {
        match self {
            Self::Company => {}
            Self::Symbol => days.sort_by_key(|day| day.symbol.clone()),
            Self::Change => days.sort_by(|a, b| descending(a.change(), b.change())),
            Self::Gap => days.sort_by(|a, b| descending(a.gap(), b.gap())),
            Self::Range => days.sort_by(|a, b| descending(a.range(), b.range())),
            Self::Volume => days.sort_by_key(|day| std::cmp::Reverse(day.volume)),
        }
    }
}

/// The largest first, and what is not known last.
pub fn descending(a: Option<f64>, b: Option<f64>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => b.total_cmp(&a),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

/// The companies whose close has changed most, up or down, at most `count`, in the order of their change.
pub fn largest_changes<'a>(mut days: Vec<CompanyDay<'a>>, count: usize) -> Vec<CompanyDay<'a>> {
    days.sort_by(|a, b| descending(a.change().map(f64::abs), b.change().map(f64::abs)));
    days.truncate(count);
    SortBy::Change.sort(&mut days);
    days
}

/// The currencies of the prices: `USD`, or `GBp, USD`; empty where none is known.
pub fn currencies(days: &[CompanyDay<'_>]) -> String {
    let codes: BTreeSet<_> = days.iter().filter_map(|day| day.currency).collect();
    codes.into_iter().collect::<Vec<_>>().join(", ")
}

/// A header, and a line for each company, each ended by a line feed; none is wider than the terminal.
pub fn table(days: &[CompanyDay<'_>], terminal: Terminal) -> Styled {
    let mut columns: Vec<_> = Column::ALL.into_iter().filter(|column| column.is_known(days)).collect();
    let mut cells: Vec<_> = columns.iter().map(|column| column.cells(days)).collect();
    if let Some(width) = terminal.width {
        while columns.len() > 1 && total_width(&cells) > width {
            let last = columns.iter().enumerate().max_by_key(|(_, column)| column.rank()).map_or(0, |(at, _)| at);
            columns.remove(last);
            cells.remove(last);
        }
    }
    let widths: Vec<_> = cells.iter().map(|column| column_width(column)).collect();
    let mut text = Styled::default();
    for row in 0..=days.len() {
        let line = columns.iter().zip(&cells).zip(&widths).enumerate();
        for (at, ((column, cells), column_width)) in line {
            let cell = cells.get(row).map_or("", String::as_str);
            let is_last = at + 1 == columns.len();
            let padded = match column.alignment() {
                Alignment::Left if is_last => cell.into(),
                alignment => pad_str(cell, *column_width, alignment, None),
            };
            let padded = truncate_str(&padded, terminal.width.unwrap_or(usize::MAX), "…");
            match column.color(cell).filter(|_| terminal.colors && row > 0) {
                Some(style) => text.push_in(&style, &padded),
                None => text.push(&padded),
            }
            text.push(if is_last { "\n" } else { "  " });
        }
    }
    text
}

/// Whether the day's change is from its own open, as no previous close is known.
fn is_from_open(day: &CompanyDay<'_>) -> bool {
    day.previous_close.is_none() && day.change().is_some()
}

/// What the star behind a change in the table of these days means; empty where there is none.
pub fn note_on_changes(days: &[CompanyDay<'_>], terminal: Terminal) -> String {
    if !days.iter().any(is_from_open) {
        return String::new();
    }
    wrapped("* from the day's first price: no previous close is known", terminal)
}

fn column_width(cells: &[String]) -> usize {
    cells.iter().map(|cell| measure_text_width(cell)).max().unwrap_or_default()
}

fn total_width(columns: &[Vec<String>]) -> usize {
    columns.iter().map(|cells| column_width(cells)).sum::<usize>() + GAP * columns.len().saturating_sub(1)
}

/// What is shown of a company, in the order of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Symbol,
    Company,
    Currency,
    PreviousClose,
    Open,
    Close,
    Change,
    Gap,
    High,
    Low,
    Range,
    Volume,
    Bars,
    Day,
}

impl Column {
    const ALL: [Self; 14] = [
        Self::Symbol,
        Self::Company,
        Self::Currency,
        Self::PreviousClose,
        Self::Open,
        Self::Close,
        Self::Change,
        Self::Gap,
        Self::High,
        Self::Low,
        Self::Range,
        Self::Volume,
        Self::Bars,
        Self::Day,
    ];

    /// Its place when columns have to be left out: the one with the highest goes first.
    fn rank(self) -> u8 {
        match self {
            Self::Symbol => 0,
            Self::Change => 1,
            Self::Close => 2,
            Self::Currency => 3,
            Self::High => 4,
            Self::Low => 5,
            Self::Range => 6,
            Self::Day => 7,
            Self::Volume => 8,
            Self::Company => 9,
            Self::Gap => 10,
            Self::Open => 11,
            Self::PreviousClose => 12,
            Self::Bars => 13,
        }
    }

    fn header(self) -> &'static str {
        match self {
            Self::Symbol => "symbol",
            Self::Company => "company",
            Self::Currency => "currency",
            Self::PreviousClose => "prev close",
            Self::Open => "open",
            Self::Close => "close",
            Self::Change => "change",
            Self::Gap => "gap",
            Self::High => "high",
            Self::Low => "low",
            Self::Range => "range",
            Self::Volume => "volume",
            Self::Bars => "bars",
            Self::Day => "hours",
        }
    }

    /// Whether it says anything of these days: one currency is said once, above them.
    fn is_known(self, days: &[CompanyDay<'_>]) -> bool {
        match self {
            Self::Currency => days.iter().any(|day| days.first().is_some_and(|first| first.currency != day.currency)),
            Self::PreviousClose | Self::Gap => days.iter().any(|day| day.previous_close.is_some()),
            Self::Open | Self::Close => days.iter().any(|day| day.close.is_some()),
            Self::Change | Self::Range => days.iter().any(|day| day.base().is_some()),
            _ => true,
        }
    }

    fn alignment(self) -> Alignment {
        match self {
            Self::Symbol | Self::Company | Self::Currency | Self::Day => Alignment::Left,
            _ => Alignment::Right,
        }
    }

    /// The header, then the cell of each day.
    fn cells(self, days: &[CompanyDay<'_>]) -> Vec<String> {
        let cells = days.iter().map(|day| printable(&self.cell(day)).replace('\n', " "));
        std::iter::once(self.header().to_owned()).chain(cells).collect()
    }

    fn cell(self, day: &CompanyDay<'_>) -> String {
        let of_price = |value: Option<Price>| value.map(price).unwrap_or_default();
        let at = |(value, at): (Price, &Zoned)| format!("{} {}", price(value), clock(at));
        match self {
            Self::Symbol => day.symbol.to_string(),
            Self::Company => truncate_str(day.name, MAX_NAME, "…").into_owned(),
            Self::Currency => day.currency.unwrap_or("unknown").to_owned(),
            Self::PreviousClose => of_price(day.previous_close),
            Self::Open => of_price(day.open),
            Self::Close => of_price(day.close),
            Self::Change => {
                let star = if is_from_open(day) { "*" } else { "" };
                day.change().map(|change| percent(change) + star).unwrap_or_default()
            }
            Self::Gap => day.gap().map(percent).unwrap_or_default(),
            Self::High => at(day.high),
            Self::Low => at(day.low),
            Self::Range => day.range().map(|range| format!("{range:.2}%")).unwrap_or_default(),
            Self::Volume => compact(day.volume),
            Self::Bars => thousands(day.bars),
            Self::Day => sparkline(day),
        }
    }

    fn color(self, cell: &str) -> Option<Style> {
        matches!(self, Self::Change | Self::Gap).then(|| direction_color(cell)).flatten()
    }
}

/// Green for up and red for down, which the sign says too.
pub fn direction_color(cell: &str) -> Option<Style> {
    let style = Style::new().force_styling(true);
    match cell.chars().next() {
        Some('+') => Some(style.green()),
        Some('\u{2212}') => Some(style.red()),
        _ => None,
    }
}

/// The day's open and each hour's close, from the lowest of them to the highest; empty where they are not known.
fn sparkline(day: &CompanyDay<'_>) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let closes = day.hours.iter().map(|hour| hour.close);
    let Some(prices) = std::iter::once(day.open).chain(closes).collect::<Option<Vec<_>>>() else {
        return String::new();
    };
    let prices: Vec<_> = prices.into_iter().map(Price::get).collect();
    let (lowest, highest) =
        prices.iter().fold((f64::MAX, f64::MIN), |(low, high), price| (low.min(*price), high.max(*price)));
    let bar = |price: &f64| {
        let share = if highest > lowest { (price - lowest) / (highest - lowest) } else { 0.5 };
        let steps = BARS.len() - 1;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // 0 to 7
        BARS.get((share * steps as f64).round() as usize).copied().unwrap_or(BARS[steps])
    };
    prices.iter().map(bar).collect()
}

#[cfg(test)]
pub mod tests;
