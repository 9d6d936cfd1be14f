//! A result as a table that fits the terminal: numbers to the right, times without what they have in common; where that is not
//! enough, headers are folded and texts cut off, and then columns are left out and named. Where the output is no terminal, all columns are whole.

use console::{Alignment, measure_text_width, pad_str, truncate_str};
use shared::format::thousands;

use super::json::is_numeric;
use crate::{
    aws::athena::{Column, ResultSet},
    output::{console::printable, format::pluralize, terminal::Terminal},
};

/// The widest text of a terminal's table, and of one of a narrow terminal.
const MAX_TEXT: usize = 32;
const MIN_TEXT: usize = 8;
const GAP: usize = 2;

/// The header and at most `limit` rows, and below them what is not shown.
pub fn of(result: &ResultSet, limit: usize, terminal: Terminal) -> String {
    let rows = &result.rows[..result.rows.len().min(limit)];
    let column = |(at, column): (usize, &Column)| Cells::of(column, rows.iter().map(|row| row.get(at)?.as_deref()));
    let mut columns: Vec<_> = result.columns.iter().enumerate().map(column).collect();
    let mut left_out = Vec::new();
    if let Some(width) = terminal.width {
        let max_text = (width / 3).clamp(MIN_TEXT, MAX_TEXT);
        let narrower: [&dyn Fn(&mut Cells); 3] =
            [&Cells::shorten, &Cells::fold_header, &|column| column.truncate(max_text)];
        for step in narrower {
            if total_width(&columns) > width {
                columns.iter_mut().for_each(step);
            }
        }
        // Where a company's symbol is there, its name is the first that can be spared.
        let name = columns.iter().position(|column| column.name == "company_name");
        let has_symbol = columns.iter().any(|column| column.name == "symbol");
        if let Some(name) = name.filter(|_| has_symbol && total_width(&columns) > width) {
            left_out.push(columns.remove(name).name);
        }
        let mut last = Vec::new();
        while columns.len() > 1 && total_width(&columns) > width {
            last.extend(columns.pop().map(|column| column.name));
        }
        left_out.extend(last.into_iter().rev());
    }
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
    if !left_out.is_empty() {
        lines.push(format!("not shown for lack of room: {}", left_out.join(", ")));
    }
    lines.join("\n")
}

fn total_width(columns: &[Cells]) -> usize {
    columns.iter().map(Cells::width).sum::<usize>() + GAP * columns.len().saturating_sub(1)
}

/// A column as it is printed.
struct Cells {
    name: String,
    /// Its lines.
    header: Vec<String>,
    values: Vec<String>,
    is_number: bool,
}

impl Cells {
    fn of<'a>(column: &Column, values: impl Iterator<Item = Option<&'a str>>) -> Self {
        let values: Vec<_> = values.map(|value| value.unwrap_or_default()).collect();
        let is_number = is_numeric(&column.data_type);
        let values = match column.data_type.as_str() {
            "double" | "float" | "real" => decimals(&values),
            _ if is_number => integers(&values),
            _ => values.iter().map(|value| printable(value).replace('\n', " ")).collect(),
        };
        Self { name: column.name.clone(), header: vec![printable(&column.name).replace('\n', " ")], values, is_number }
    }

    fn width(&self) -> usize {
        self.header.iter().chain(&self.values).map(|text| measure_text_width(text)).max().unwrap_or_default()
    }

    /// Leaves out what all times have in common.
    fn shorten(&mut self) {
        if !self.is_number {
            self.values = without_common_parts(&self.values).unwrap_or_else(|| self.values.clone());
        }
    }

    /// Cuts off texts that are wider than that.
    fn truncate(&mut self, max_text: usize) {
        if !self.is_number {
            for value in &mut self.values {
                *value = truncate_str(value, max_text, "…").into_owned();
            }
        }
        self.fold_header();
    }

    fn fold_header(&mut self) {
        let widest = self.values.iter().map(|text| measure_text_width(text)).max().unwrap_or_default();
        self.header = folded(&self.header.concat(), widest);
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

/// Whole numbers, with separators where one of them has five digits: 2026 may be a year.
fn integers(values: &[&str]) -> Vec<String> {
    fn digits(text: &str) -> &str {
        text.strip_prefix('-').unwrap_or(text)
    }
    let number = |text: &str| digits(text).parse::<u64>().ok();
    let has_large = values.iter().any(|text| number(text).is_some_and(|number| number >= 10_000));
    let separated = |text: &&str| match number(text) {
        Some(number) if has_large => text.replace(digits(text), &thousands(number)),
        _ => (*text).to_owned(),
    };
    values.iter().map(separated).collect()
}

/// Times such as `2026-11-20T09:30:00-05:00` without the date, the seconds of zero and the offset that all of them have in common;
/// `None` where they are none, or of several days or offsets. The `Z` of UTC stays.
fn without_common_parts(values: &[String]) -> Option<Vec<String>> {
    let mut times = values.iter().filter(|value| !value.is_empty());
    let (date, _, offset) = parts_of_time(times.next()?)?;
    let kept = if offset == "Z" { offset } else { "" };
    let short = |value: &String| {
        if value.is_empty() {
            return Some(String::new());
        }
        let (of_date, time, of_offset) = parts_of_time(value)?;
        (of_date == date && of_offset == offset).then(|| format!("{}{kept}", time.strip_suffix(":00").unwrap_or(time)))
    };
    values.iter().map(short).collect()
}

/// The date with its `T`, the time and the offset of an instant; `None` of another text.
fn parts_of_time(text: &str) -> Option<(&str, &str, &str)> {
    text.parse::<jiff::Timestamp>().ok()?;
    let (date, time) = text.split_at_checked("2026-11-20T".len())?;
    let (time, offset) = time.split_at_checked(time.find(['Z', '+', '-'])?)?;
    Some((date, time, offset))
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
