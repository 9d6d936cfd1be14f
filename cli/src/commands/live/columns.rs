//! The columns of the board. Those that do not fit the terminal are left out, the least telling first.

use std::collections::BTreeSet;

use console::{Alignment, measure_text_width, pad_str, truncate_str};
use jiff::{Timestamp, Zoned};
use ratatui::{
    style::{Color, Style},
    text::{Line, Span},
};
use shared::{
    Price,
    format::{clock, compact, percent, price},
};

use super::{board::Row, short_duration::short};
use crate::output::console::printable;

/// The most characters of a company's name that are shown.
const MAX_NAME: usize = 24;

/// The fewest characters of a line of closes that are worth a column, and the most: a session in bars of five minutes.
const MIN_CLOSES: usize = 8;
const MAX_CLOSES: usize = 78;

/// The spaces between two columns.
const GAP: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Symbol,
    Interval,
    Company,
    Date,
    Currency,
    Last,
    Change,
    Since,
    High,
    Low,
    Volume,
    Closes,
    Age,
}

use Column::{Age, Change, Closes, Company, Currency, Date, High, Interval, Last, Low, Since, Symbol, Volume};

/// From left to right.
const ALL: [Column; 13] =
    [Symbol, Interval, Company, Date, Currency, Last, Change, Since, High, Low, Volume, Closes, Age];

/// The columns that a narrow terminal leaves out, the first to go first. Symbol and last price stay.
const OPTIONAL: [Column; 11] = [Company, Volume, Currency, Date, Closes, Low, High, Age, Since, Interval, Change];

/// A header, and a line for each row, none wider than `width` columns.
pub fn lines(rows: &[Row<'_>], width: usize, colors: bool, now: Timestamp) -> (Line<'static>, Vec<Line<'static>>) {
    let table = Table::new(rows, width, now);
    let lines = rows.iter().enumerate().map(|(at, row)| table.line(Some((at, row)), colors));
    (table.line(None, colors), lines.collect())
}

/// The columns that fit, each with its cells.
struct Table {
    columns: Vec<(Column, Vec<String>)>,
    widths: Vec<usize>,
    width: usize,
    since: Option<String>,
}

impl Table {
    fn new(rows: &[Row<'_>], width: usize, now: Timestamp) -> Self {
        let since = same(rows.iter().map(|row| clock(row.since)));
        let columns = ALL.into_iter().filter(|column| column.tells(rows));
        let mut columns: Vec<_> = columns.map(|column| (column, column.cells(rows, now))).collect();
        let mut optional = OPTIONAL.iter();
        let least = |columns: &[(Column, Vec<String>)]| {
            let widths = columns.iter().map(|(column, cells)| column.width(cells, since.as_deref()));
            widths.sum::<usize>() + GAP * columns.len().saturating_sub(1)
        };
        while least(&columns) > width {
            let Some(optional) = optional.next() else { break };
            columns.retain(|(column, _)| column != optional);
        }
        let spare = width.saturating_sub(least(&columns));
        let mut widths: Vec<_> = columns.iter().map(|(column, cells)| column.width(cells, since.as_deref())).collect();
        let closes = rows.iter().map(|row| row.closes.len()).max().unwrap_or_default().clamp(MIN_CLOSES, MAX_CLOSES);
        for ((column, cells), column_width) in columns.iter_mut().zip(&mut widths) {
            if *column == Closes {
                *column_width = closes.min(MIN_CLOSES + spare);
                *cells = rows.iter().map(|row| sparkline(&row.closes, *column_width)).collect();
            }
        }
        Self { columns, widths, width, since }
    }

    /// The line of a row, by its place; the header without.
    fn line(&self, row: Option<(usize, &Row<'_>)>, colors: bool) -> Line<'static> {
        let (mut spans, mut left) = (Vec::new(), self.width);
        for (at, ((column, cells), width)) in self.columns.iter().zip(&self.widths).enumerate() {
            let header = column.header(self.since.as_deref());
            let cell = row.map_or(header.as_str(), |(at, _)| cells.get(at).map_or("", String::as_str));
            let gap = if at == 0 { 0 } else { GAP };
            let text = format!("{:gap$}{}", "", pad_str(cell, *width, column.alignment(), None));
            let text = truncate_str(&text, left, "…").into_owned();
            left = left.saturating_sub(measure_text_width(&text));
            let style = row.and_then(|(_, row)| column.color(row)).filter(|_| colors);
            spans.push(Span::styled(text, style.map_or(Style::new(), |color| Style::new().fg(color))));
        }
        Line::from(spans)
    }
}

impl Column {
    /// Whether it says something that is not the same in every row.
    fn tells(self, rows: &[Row<'_>]) -> bool {
        match self {
            Interval => differ(rows.iter().map(|row| row.interval)),
            Date => differ(rows.iter().map(|row| row.trade_date)),
            Currency => differ(rows.iter().map(|row| row.currency)),
            Since => differ(rows.iter().map(|row| clock(row.since))),
            _ => true,
        }
    }

    fn header(self, since: Option<&str>) -> String {
        match (self, since) {
            (Change, Some(since)) => return format!("since {since}"),
            (Symbol, _) => "symbol",
            (Interval, _) => "bars",
            (Company, _) => "company",
            (Date, _) => "date",
            (Currency, _) => "in",
            (Last, _) => "last",
            (Change, None) => "change",
            (Since, _) => "since",
            (High, _) => "high at",
            (Low, _) => "low at",
            (Volume, _) => "volume",
            (Closes, _) => "closes",
            (Age, _) => "age",
        }
        .to_owned()
    }

    fn cells(self, rows: &[Row<'_>], now: Timestamp) -> Vec<String> {
        let extreme = |(value, at): (Price, &Zoned)| format!("{} {}", price(value), clock(at));
        let cell = |row: &Row<'_>| match self {
            Symbol => row.symbol.to_string(),
            Interval => row.interval.to_string(),
            Company => truncate_str(&printable(row.company_name), MAX_NAME, "…").into_owned(),
            Date => row.trade_date.date().strftime("%m-%d").to_string(),
            Currency => row.currency.unwrap_or("?").to_owned(),
            Last => price(row.last),
            Change => percent(row.change()),
            Since => clock(row.since),
            High => extreme(row.high),
            Low => extreme(row.low),
            Volume => compact(row.volume),
            Closes => String::new(),
            Age => short(row.age(now)),
        };
        rows.iter().map(cell).collect()
    }

    /// The columns of the terminal that it takes at least.
    fn width(self, cells: &[String], since: Option<&str>) -> usize {
        let header = measure_text_width(&self.header(since));
        let widest = cells.iter().map(|cell| measure_text_width(cell)).max().unwrap_or_default();
        match self {
            Closes => MIN_CLOSES,
            // Wide enough for `119 min`, so that the columns stay where they are from one second to the next.
            Age => widest.max(7),
            _ => widest.max(header),
        }
    }

    fn alignment(self) -> Alignment {
        match self {
            Symbol | Interval | Company | Date | Currency | Closes => Alignment::Left,
            Last | Change | Since | High | Low | Volume | Age => Alignment::Right,
        }
    }

    fn color(self, row: &Row<'_>) -> Option<Color> {
        match self {
            Change | Closes if row.last > row.open => Some(Color::Green),
            Change | Closes if row.last < row.open => Some(Color::Red),
            _ => None,
        }
    }
}

/// The value that all have; `None` where they differ, or there is none.
pub fn same<T: PartialEq>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

fn differ<T: Ord>(values: impl Iterator<Item = T>) -> bool {
    values.collect::<BTreeSet<_>>().len() > 1
}

/// The closes as bars of eight heights, the last of each part where they are more than `width`.
fn sparkline(closes: &[f64], width: usize) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let count = closes.len().min(width);
    let (low, high) =
        closes.iter().fold((f64::MAX, f64::MIN), |(low, high), close| (low.min(*close), high.max(*close)));
    let shown = (1..=count).filter_map(|part| closes.get(part * closes.len() / count - 1));
    let height = |close: &f64| {
        let share = if high > low { (close - low) / (high - low) } else { 0.5 };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 0 to 7
        let step = (share * 7.0).round() as usize;
        HEIGHTS.get(step).copied().unwrap_or('█')
    };
    shown.map(height).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_is_from_the_lowest_to_the_highest_close() {
        for (closes, width, line) in [
            (&[][..], 4, ""),
            (&[5.0], 4, "▅"),
            (&[5.0, 5.0], 4, "▅▅"),
            (&[1.0, 2.0, 3.0], 4, "▁▅█"),
            (&[3.0, 1.0, 2.0], 4, "█▁▅"),
            (&[1.0, 9.0, 2.0, 3.0, 9.0, 9.0], 3, "█▃█"),
            (&[1.0, 8.0], 0, ""),
        ] {
            assert_eq!(sparkline(closes, width), line, "{closes:?} in {width}");
        }
    }

    #[test]
    fn the_columns_that_go_first_are_all_but_two() {
        let stay: Vec<_> = ALL.into_iter().filter(|column| !OPTIONAL.contains(column)).collect();
        assert_eq!(stay, [Symbol, Last]);
    }
}
