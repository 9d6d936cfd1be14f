//! The CSV of bars. That of the hourly rows is [`shared::hourly_extreme`].

use shared::{bar::offset_datetime, csv_injection::defused};

use super::{
    columns::{self, Value},
    rows::DayBar,
};

/// The file, in the form of hourly_extremes.csv: numbers bare, datetimes with the exchange's offset, and no text that a spreadsheet would run.
///
/// # Errors
/// Those of the CSV writer.
pub fn of(bars: &[DayBar]) -> anyhow::Result<Vec<u8>> {
    let columns = columns::of_bars();
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    writer.write_record(columns.iter().map(|column| column.name))?;
    for bar in bars {
        writer.write_record(columns.iter().map(|column| field(&column.value, bar)))?;
    }
    Ok(writer.into_inner().map_err(csv::IntoInnerError::into_error)?)
}

/// A field; empty where nothing is known.
fn field<Row>(value: &Value<Row>, row: &Row) -> String {
    match value {
        Value::Text(text) => text(row).map(|text| defused(&text).into_owned()).unwrap_or_default(),
        Value::Date(date) => date(row).to_string(),
        Value::Time(time) => offset_datetime::text(time(row)),
        // Never in scientific notation: that is how Rust's `Display` writes a float.
        Value::Price(price) => price(row).map(|price| price.get().to_string()).unwrap_or_default(),
        Value::Percent(percent) | Value::Range(percent) => {
            percent(row).map(|percent| percent.to_string()).unwrap_or_default()
        }
        Value::Count(count) => count(row).to_string(),
    }
}
