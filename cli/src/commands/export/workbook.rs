//! The workbook of the days, for Excel and LibreOffice: a sheet of days, of hours and, where requested, of bars, and a chart.
//!
//! Dates and times are real ones, on the exchange's clock; the codes of their formats hold in every locale. Text is never a
//! formula.

use anyhow::Context;
use rust_xlsxwriter::{
    Chart, ChartAxisLabelPosition, ChartFormat, ChartPoint, ChartSolidFill, ChartType, Color, Format, FormatAlign,
    Workbook, Worksheet, XlsxError,
};
use shared::{CompanyDay, HourlyExtreme};

use super::{
    columns::{self, Column, Value},
    rows::DayBar,
};
use crate::args::BadRequest;

/// The most rows of a sheet, its header included.
/// <https://support.microsoft.com/en-us/office/excel-specifications-and-limits-1672b34d-7043-467e-8e27-269d656771c3>
const MAX_ROWS: usize = 1_048_576;

/// The most companies in the chart, half of them those that rose most, and half those that fell most.
const MAX_BARS_OF_CHART: usize = 50;

/// The widest column, in characters of the default font.
const MAX_WIDTH: usize = 40;

// Two colours that also those can tell apart who see no red or no green.
const RISEN: Color = Color::RGB(0x1f_77_b4);
const FALLEN: Color = Color::RGB(0xd9_5f_02);

/// Refuses more rows than a sheet can have.
///
/// # Errors
/// When there are more, with what to do.
pub fn check_rows(name: &str, rows: usize) -> Result<(), BadRequest> {
    if rows < MAX_ROWS {
        return Ok(());
    }
    let problem = format!("a sheet of Excel has at most {MAX_ROWS} rows, and the {name} need {}", rows + 1);
    Err(BadRequest(format!("{problem}: export fewer days, or use --format parquet or csv")))
}

/// The file.
///
/// # Errors
/// Those of the writer.
pub fn of(hours: &[HourlyExtreme], bars: Option<&[DayBar]>, simulated: bool) -> anyhow::Result<Vec<u8>> {
    let mut workbook = Workbook::new();
    let formats = Formats::new();
    let days = CompanyDay::of(hours);
    let mut sheets = vec![
        sheet("days", &days, &columns::of_days(), &formats)?,
        sheet("hours", hours, &columns::of_hours(), &formats)?,
    ];
    if let Some(bars) = bars {
        sheets.push(sheet("bars", bars, &columns::of_bars(), &formats)?);
    }
    let last_day = hours.chunk_by(|a, b| a.trade_date == b.trade_date).next_back().unwrap_or_default();
    sheets.extend(chart(last_day, simulated, &formats)?);
    for sheet in sheets {
        workbook.push_worksheet(sheet);
    }
    workbook.save_to_buffer().context("the workbook cannot be written")
}

/// How the cells of each kind are shown.
struct Formats {
    header: Format,
    date: Format,
    time: Format,
    price: Format,
    percent: Format,
    range: Format,
    count: Format,
}

impl Formats {
    fn new() -> Self {
        let number = |code: &str| Format::new().set_num_format(code);
        Self {
            header: Format::new().set_bold().set_align(FormatAlign::Left),
            date: number("yyyy-mm-dd"),
            time: number("yyyy-mm-dd hh:mm"),
            price: number("#,##0.00######"),
            percent: number("+0.00%;-0.00%;0.00%"),
            range: number("0.00%"),
            count: number("#,##0"),
        }
    }
}

/// A sheet with a header that stays in view and filters.
fn sheet<Row>(name: &str, rows: &[Row], columns: &[Column<Row>], formats: &Formats) -> anyhow::Result<Worksheet> {
    let mut sheet = Worksheet::new();
    sheet.set_name(name)?.set_freeze_panes(1, 0)?.set_landscape().set_print_fit_to_pages(1, 0);
    for (number, column) in (0..).zip(columns) {
        sheet.write_string_with_format(0, number, column.name, &formats.header)?;
        sheet.set_column_width(number, width(rows, column))?;
        for (row, of) in (1..).zip(rows) {
            write(&mut sheet, (row, number), &column.value, of, formats)?;
        }
    }
    let (last_row, last_column) = (u32::try_from(rows.len())?, u16::try_from(columns.len() - 1)?);
    sheet.autofilter(0, 0, last_row, last_column)?;
    Ok(sheet)
}

/// Wide enough for the values, and for the name beside the button of its filter.
#[allow(clippy::cast_precision_loss)] // of a number below MAX_WIDTH
fn width<Row>(rows: &[Row], column: &Column<Row>) -> f64 {
    let values = match &column.value {
        Value::Text(text) => rows.iter().filter_map(text).map(|text| text.chars().count()).max().unwrap_or(0),
        Value::Date(_) => "2026-11-20".len(),
        Value::Time(_) => "2026-11-20 09:30".len(),
        Value::Price(_) | Value::Percent(_) | Value::Range(_) => "1,234.5678".len(),
        Value::Count(_) => "123,456,789".len(),
    };
    (values + 1).max(column.name.len() + 4).min(MAX_WIDTH) as f64
}

/// Writes a cell, and none where nothing is known.
fn write<Row>(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    value: &Value<Row>,
    of: &Row,
    formats: &Formats,
) -> Result<(), XlsxError> {
    match value {
        Value::Text(text) => text(of).map(|text| sheet.write_string(row, column, text).map(drop)),
        Value::Date(date) => Some(sheet.write_datetime_with_format(row, column, date(of), &formats.date).map(drop)),
        Value::Time(time) => {
            Some(sheet.write_datetime_with_format(row, column, time(of).datetime(), &formats.time).map(drop))
        }
        Value::Price(price) => {
            price(of).map(|price| sheet.write_number_with_format(row, column, price.get(), &formats.price).map(drop))
        }
        Value::Percent(percent) => percent(of)
            .map(|percent| sheet.write_number_with_format(row, column, percent / 100.0, &formats.percent).map(drop)),
        Value::Range(range) => {
            range(of).map(|range| sheet.write_number_with_format(row, column, range / 100.0, &formats.range).map(drop))
        }
        // Excel's numbers are floats: counts beyond 2^53 are rounded.
        #[allow(clippy::cast_precision_loss)]
        Value::Count(count) => {
            Some(sheet.write_number_with_format(row, column, count(of) as f64, &formats.count).map(drop))
        }
    }
    .unwrap_or(Ok(()))
}

/// The sheet with a chart of the companies' changes on a day, the best first; `None` where none is known.
fn chart(hours: &[HourlyExtreme], simulated: bool, formats: &Formats) -> anyhow::Result<Option<Worksheet>> {
    let companies = CompanyDay::of(hours);
    let changes = companies.iter().filter_map(|company| Some((company.symbol, company.change()?)));
    let mut changes: Vec<_> = changes.collect();
    changes.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let (Some(hour), false) = (hours.first(), changes.is_empty()) else { return Ok(None) };
    let all = changes.len();
    if all > MAX_BARS_OF_CHART {
        changes.drain(MAX_BARS_OF_CHART / 2..all - MAX_BARS_OF_CHART / 2);
    }
    let mut sheet = Worksheet::new();
    sheet.set_name("chart")?.set_landscape().set_print_fit_to_pages(1, 0);
    sheet.write_string_with_format(0, 0, "symbol", &formats.header)?;
    sheet.write_string_with_format(0, 1, "change", &formats.header)?;
    for (row, (symbol, change)) in (1..).zip(&changes) {
        sheet.write_string(row, 0, symbol.as_str())?;
        sheet.write_number_with_format(row, 1, change / 100.0, &formats.percent)?;
    }
    let rows = u32::try_from(changes.len())?;
    let shown = if all > changes.len() { format!("the {rows} largest of {all} changes") } else { "change".to_owned() };
    let simulated = if simulated { ", simulated prices" } else { "" };
    let color = |change: f64| ChartPoint::new().set_format(&mut fill(if change < 0.0 { FALLEN } else { RISEN }));
    let points: Vec<_> = changes.iter().map(|(_, change)| color(*change)).collect();
    let mut chart = Chart::new(ChartType::Bar);
    chart
        .add_series()
        .set_categories(("chart", 1, 0, rows, 0))
        .set_values(("chart", 1, 1, rows, 1))
        .set_points(&points)
        .set_gap(40);
    chart.title().set_name(&format!(
        "{}: {shown} against the previous close, or the day's open where it is not known{simulated}",
        hour.trade_date
    ));
    chart.legend().set_hidden();
    // Of bars that lie, the vertical axis has the categories; the first one is to be at the top.
    chart.y_axis().set_reverse().set_label_position(ChartAxisLabelPosition::Low);
    chart.x_axis().set_num_format("0.0%");
    chart.set_width(760).set_height(120 + 18 * rows);
    sheet.insert_chart(0, 3, &chart)?;
    Ok(Some(sheet))
}

fn fill(color: Color) -> ChartFormat {
    let mut format = ChartFormat::new();
    format.set_solid_fill(&ChartSolidFill::new().set_color(color).clone());
    format
}
