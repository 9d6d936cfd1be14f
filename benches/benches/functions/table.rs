//! The table, in Markdown.

use std::fmt::{Display, Formatter, Result};

use comfy_table::{CellAlignment::Right, presets::ASCII_MARKDOWN};

use crate::{
    collection::{Collections, Measured},
    export::Export,
    starts::Starts,
};

/// The fewest symbols that take a processor long enough to be measured in hundredths of a second.
const MEASURABLE: usize = 1_000;

/// Everything that was measured.
#[derive(Debug, Default)]
pub struct Table {
    /// By the number of symbols.
    pub collections: Vec<Collections>,
    /// The starts.
    pub starts: Starts,
}

impl Display for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut table = comfy_table::Table::new();
        table.load_style(ASCII_MARKDOWN).set_header(["", "measured", "compared with", "", "ratio"]);
        for column in [1, 3, 4] {
            table.column_mut(column).into_iter().for_each(|column| column.set_cell_alignment(Right));
        }
        for collections in &self.collections {
            table.add_rows(rows(collections));
        }
        for (name, start) in &self.starts.functions {
            let (label, bare) = (|what| format!("start of {name}, {what}"), "a bare runtime");
            let of = |of: fn(&Measured, f64) -> f64| (of(start, 0.0), of(&self.starts.bare, 0.0));
            table.add_row(compared(label("time"), bare, of(seconds), millis));
            table.add_row(compared(label("memory"), bare, of(peak_memory), mebibytes));
        }
        write!(f, "{table}")
    }
}

/// The row of a value beside another one.
fn compared(label: String, with: &str, (one, other): (f64, f64), show: fn(f64) -> String) -> [String; 5] {
    [label, show(one), with.to_owned(), show(other), format!("{:.2}", one / other)]
}

fn rows(Collections { symbols, bars, payload, collect, floor, peer, export }: &Collections) -> Vec<[String; 5]> {
    let label = |what: &str| format!("{symbols} symbols, {what}");
    let bars = *bars as f64;
    let times = |what, with: &str, of: fn(&Measured, f64) -> f64, show: fn(f64) -> String, other: &Measured| {
        compared(label(what), with, (of(collect, bars), of(other, bars)), show)
    };
    let (wall, cpu, memory) = ("time", "processor time a bar", "peak memory");
    let mut rows = vec![
        times(wall, "its floor", seconds, millis, floor),
        times(memory, "its floor", peak_memory, mebibytes, floor),
    ];
    let is_measurable = *symbols >= MEASURABLE;
    if is_measurable {
        rows.push(times(cpu, "its floor", cpu_a_bar, micros, floor));
    }
    if let Some(peer) = peer {
        rows.push(times(wall, "yfinance and boto3", seconds, millis, peer));
        rows.push(times(memory, "yfinance and boto3", peak_memory, mebibytes, peer));
    }
    let (payload, billed) = (payload.0 as f64, payload.1 as f64);
    let ratio = format!("{:.3}", billed / payload);
    rows.push([label("billed by Firehose"), mebibytes(billed), "its payload".to_owned(), mebibytes(payload), ratio]);
    let Export { rows: exported, measured } = export;
    let alone = |what: &str, show| [label(what), show, format!("{exported} rows"), String::new(), String::new()];
    rows.push(alone("export: time", millis(measured.wall.as_secs_f64())));
    if is_measurable {
        rows.push(alone("export: processor time a row", micros(cpu_a_bar(measured, *exported as f64))));
    }
    rows.push(alone("export: peak memory", mebibytes(peak_memory(measured, 0.0))));
    rows
}

fn seconds(measured: &Measured, _: f64) -> f64 {
    measured.wall.as_secs_f64()
}

fn cpu_a_bar(measured: &Measured, bars: f64) -> f64 {
    measured.usage.cpu.as_secs_f64() / bars
}

fn peak_memory(measured: &Measured, _: f64) -> f64 {
    measured.usage.peak_memory as f64
}

fn millis(seconds: f64) -> String {
    format!("{:.1} ms", 1e3 * seconds)
}

fn micros(seconds: f64) -> String {
    format!("{:.2} µs", 1e6 * seconds)
}

fn mebibytes(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / 1024.0 / 1024.0)
}
