//! A result as a table that fits the terminal: numbers to the right, times on one clock without what they have in common. Where that
//! is not enough, headers are folded, texts are cut off, and then columns are left out and named: first those that matter least.
//! Where the output is no terminal, all columns are whole.

mod times;

use console::{Alignment, measure_text_width, pad_str, truncate_str};
use shared::format::thousands;

use super::json::is_numeric;
use crate::{
    aws::athena::{Column, ResultSet},
    output::{
        console::printable,
        format::pluralize,
        terminal::{Terminal, wrap},
    },
};

/// The widest text of a terminal's table, and of one of a narrow terminal.
const MAX_TEXT: usize = 32;
const MIN_TEXT: usize = 8;
const GAP: usize = 2;

/// The columns that a table without room is the first to lose: the name beside its symbol, and what says least of the prices.
const EXPENDABLE: [&str; 3] = ["company_name", "bars", "volume"];

/// The header and at most `limit` rows, and below them what is not shown, and what is the same in all.
pub fn of(result: &ResultSet, limit: usize, terminal: Terminal) -> String {
    let rows = &result.rows[..result.rows.len().min(limit)];
    let column = |(at, column): (usize, &Column)| Cells::of(column, at, rows.iter().map(|row| row.get(at)?.as_deref()));
    let mut columns: Vec<_> = result.columns.iter().enumerate().map(column).collect();
    let (mut clock, mut same) = (None, Vec::new());
    if let Some(width) = terminal.width {
        clock = shorten_times(&mut columns);
        same = fit(&mut columns, width);
        clock = clock.filter(|_| columns.iter().chain(&same).any(|column| column.is_time));
    }
    let is_there = |at: usize| columns.iter().chain(&same).any(|column| column.at == at);
    let left_out = result.columns.iter().enumerate().filter(|(at, _)| !is_there(*at));
    let left_out: Vec<_> = left_out.map(|(_, column)| column.name.as_str()).collect();
    let height = columns.iter().map(|column| column.header.len()).max().unwrap_or_default();
    let header = (0..height).map(|line| {
        let cell = |column: &Cells| {
            let above = height - column.header.len();
            line.checked_sub(above).and_then(|at| column.header.get(at)).cloned().unwrap_or_default()
        };
        columns.iter().map(cell).collect::<Vec<_>>()
    });
    let cells = (0..rows.len()).map(|row| columns.iter().map(|column| column.values[row].clone()).collect());
    let line = |cells: Vec<String>| {
        let padded = columns.iter().zip(&cells).map(|(column, cell)| {
            let alignment = if column.is_number { Alignment::Right } else { Alignment::Left };
            pad_str(cell, column.width(), alignment, None).into_owned()
        });
        let line = padded.collect::<Vec<_>>().join(&" ".repeat(GAP));
        truncate_str(line.trim_end(), terminal.width.unwrap_or(usize::MAX), "…").into_owned()
    };
    let mut lines: Vec<_> = header.chain(cells).map(line).collect();
    let more = result.rows.len() - rows.len();
    if more > 0 {
        lines.push(format!("… and {}: add --all", pluralize(more, "more row")));
    }
    if !same.is_empty() {
        let same: Vec<_> = same.iter().map(|column| format!("{} {}", column.name, column.values[0])).collect();
        lines.push(wrap(&format!("in every row: {}", same.join(", ")), terminal.width));
    }
    if let Some(clock) = clock {
        lines.push(wrap(&clock, terminal.width));
    }
    if !left_out.is_empty() {
        lines.push(wrap(&format!("not shown for lack of room: {}", left_out.join(", ")), terminal.width));
    }
    lines.join("\n")
}

/// Puts the times on one clock, and returns which that is.
fn shorten_times(columns: &mut [Cells]) -> Option<String> {
    let whole: Vec<_> = columns.iter().map(|column| column.values.clone()).collect();
    let clock = times::shorten(columns.iter_mut().filter(|column| !column.is_number).map(|column| &mut column.values));
    for (column, whole) in columns.iter_mut().zip(whole) {
        column.is_time = column.values != whole;
    }
    clock
}

/// Makes the columns as narrow as that, in steps, as long as they are wider. Returns those that it has taken out since they are the
/// same in every row; others are gone for lack of room.
fn fit(columns: &mut Vec<Cells>, width: usize) -> Vec<Cells> {
    fold_headers(columns, width);
    if total_width(columns) > width {
        columns.iter_mut().for_each(|column| column.truncate((width / 3).clamp(MIN_TEXT, MAX_TEXT)));
    }
    let has_symbol = columns.iter().any(|column| column.name == "symbol");
    let take_out = |columns: &mut Vec<Cells>, at: Option<usize>| {
        let at = at.filter(|_| columns.len() > 1 && total_width(columns) > width)?;
        Some(columns.remove(at))
    };
    let mut same = Vec::new();
    let named = |columns: &[Cells], name: &str| columns.iter().position(|column| column.name == name && has_symbol);
    take_out(columns, named(columns, EXPENDABLE[0]));
    while let Some(column) = take_out(columns, columns.iter().rposition(Cells::is_same_in_all)) {
        same.insert(0, column);
    }
    for name in &EXPENDABLE[1..] {
        take_out(columns, named(columns, name));
    }
    while take_out(columns, columns.len().checked_sub(1)).is_some() {}
    // There may be more room than was needed.
    fold_headers(columns, width);
    same
}

/// Folds headers as long as the table is too wide, the one that gains most first.
fn fold_headers(columns: &mut [Cells], width: usize) {
    columns.iter_mut().for_each(|column| column.header = vec![column.header.concat()]);
    while total_width(columns) > width {
        let widest = columns.iter_mut().max_by_key(|column| column.gain());
        let Some(column) = widest.filter(|column| column.gain() > 0) else { break };
        column.header = column.folded_header();
    }
}

fn total_width(columns: &[Cells]) -> usize {
    columns.iter().map(Cells::width).sum::<usize>() + GAP * columns.len().saturating_sub(1)
}

/// A column as it is printed.
struct Cells {
    /// Its place in the result, from 0 on; names may be there twice.
    at: usize,
    name: String,
    /// Its lines.
    header: Vec<String>,
    values: Vec<String>,
    is_number: bool,
    /// Whether its values are times that are [shortened](times::shorten).
    is_time: bool,
}

impl Cells {
    fn of<'a>(column: &Column, at: usize, values: impl Iterator<Item = Option<&'a str>>) -> Self {
        let values: Vec<_> = values.map(|value| value.unwrap_or_default()).collect();
        let is_number = is_numeric(&column.data_type);
        let values = match column.data_type.as_str() {
            "double" | "float" | "real" => decimals(&values),
            _ if is_number => integers(&values),
            _ => values.iter().map(|value| printable(value).replace('\n', " ")).collect(),
        };
        let header = vec![printable(&column.name).replace('\n', " ")];
        Self { at, name: column.name.clone(), header, values, is_number, is_time: false }
    }

    fn width(&self) -> usize {
        self.header.iter().chain(&self.values).map(|text| measure_text_width(text)).max().unwrap_or_default()
    }

    /// Whether there are several rows, and all have one value.
    fn is_same_in_all(&self) -> bool {
        self.values.len() > 1 && self.values.iter().all(|value| !value.is_empty() && *value == self.values[0])
    }

    /// Cuts off texts that are wider than that.
    fn truncate(&mut self, max_text: usize) {
        if !self.is_number {
            for value in &mut self.values {
                *value = truncate_str(value, max_text, "…").into_owned();
            }
        }
        self.header = self.folded_header();
    }

    /// By how many columns it is narrower with its header folded.
    fn gain(&self) -> usize {
        let widest = |header: &[String]| {
            header.iter().chain(&self.values).map(|text| measure_text_width(text)).max().unwrap_or_default()
        };
        self.width() - widest(&self.folded_header())
    }

    fn folded_header(&self) -> Vec<String> {
        let widest = self.values.iter().map(|text| measure_text_width(text)).max().unwrap_or_default();
        folded(&self.header.concat(), widest)
    }
}

/// Floating-point numbers with as many decimals as the one with the most, so that their points are below each other.
fn decimals(values: &[&str]) -> Vec<String> {
    // Athena prints those from ten million on, and small ones, with an exponent.
    let plain = |value: &&str| match value.parse::<f64>() {
        Ok(number) if (1e-9..1e15).contains(&number.abs()) || number == 0.0 => number.to_string(),
        _ => (*value).to_owned(),
    };
    let plain: Vec<_> = values.iter().map(plain).collect();
    let count = |text: &String| text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let most = plain.iter().map(count).max().unwrap_or_default();
    let pad = |text: String| match (text.parse::<f64>(), most - count(&text)) {
        (Ok(number), missing) if number.is_finite() && missing > 0 && !text.contains('E') => {
            let point = if text.contains('.') { "" } else { "." };
            format!("{text}{point}{}", "0".repeat(missing))
        }
        _ => text,
    };
    plain.into_iter().map(pad).collect()
}

/// Whole numbers, all with separators where one of them has more than four digits: 2026 alone may be a year.
fn integers(values: &[&str]) -> Vec<String> {
    let digits = |text: &str| text.strip_prefix('-').unwrap_or(text).parse::<u64>().ok();
    if values.iter().all(|text| digits(text).is_none_or(|number| number < 10_000)) {
        return values.iter().map(|&text| text.to_owned()).collect();
    }
    let separated = |text: &&str| match digits(text) {
        Some(number) => format!("{}{}", if text.starts_with('-') { "-" } else { "" }, thousands(number)),
        None => (*text).to_owned(),
    };
    values.iter().map(separated).collect()
}

/// A name broken after underscores into lines of that width, where its parts have it.
fn folded(name: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in name.split_inclusive('_') {
        match lines.last_mut() {
            Some(line) if line.len() + part.len() <= width => line.push_str(part),
            _ => lines.push(part.to_owned()),
        }
    }
    lines
}
