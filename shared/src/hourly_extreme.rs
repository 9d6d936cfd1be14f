//! A row of the result, `hourly_extremes.csv`, and the file itself.

use csv::{QuoteStyle, ReaderBuilder, Terminator, WriterBuilder};
use jiff::Zoned;
use serde::{Deserialize, Serialize, Serializer};

use crate::{Price, Symbol, TradeDate, bar::offset_datetime};

/// The columns of the CSV; [`HourlyExtreme`] has its fields in this order.
pub const COLUMNS: [&str; 10] = [
    "company_name",
    "symbol",
    "trade_date",
    "hour",
    "datetime_high",
    "highest_hourly_price",
    "datetime_low",
    "lowest_hourly_price",
    "bars",
    "volume",
];

/// The highest and the lowest price of one company in one hour of its exchange's clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HourlyExtreme {
    /// The company's name in the companies file, else the name that Yahoo gives, else the symbol.
    pub company_name: String,
    /// The symbol that was requested.
    pub symbol: Symbol,
    /// The session's date on the exchange's clock.
    pub trade_date: TradeDate,
    /// The exchange-local hour, 0 to 23, in which the bars start.
    pub hour: i8,
    /// The start of the earliest bar that reached the highest price, with the exchange's offset.
    #[serde(with = "offset_datetime")]
    pub datetime_high: Zoned,
    /// The highest price of the hour, in the currency of the listing.
    #[serde(serialize_with = "plain")]
    pub highest_hourly_price: Price,
    /// The start of the earliest bar that reached the lowest price, with the exchange's offset.
    #[serde(with = "offset_datetime")]
    pub datetime_low: Zoned,
    /// The lowest price of the hour, in the currency of the listing.
    #[serde(serialize_with = "plain")]
    pub lowest_hourly_price: Price,
    /// The number of bars that start in the hour.
    pub bars: u32,
    /// Shares (or units) traded in the hour.
    pub volume: u64,
}

/// Reads a CSV that [`write()`] wrote.
///
/// # Errors
/// The first line that is not a row, and what is wrong with it.
pub fn read(csv: &[u8]) -> Result<Vec<HourlyExtreme>, csv::Error> {
    ReaderBuilder::new().from_reader(csv).deserialize().collect()
}

/// The CSV: [`COLUMNS`], then a line for each row; numbers bare, text quoted only where needed, lines ended by LF.
///
/// # Errors
/// Those of the CSV writer; no row of this type causes one.
pub fn write(rows: &[HourlyExtreme]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = WriterBuilder::new()
        .has_headers(false)
        .quote_style(QuoteStyle::Necessary)
        .terminator(Terminator::Any(b'\n'))
        .from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for row in rows {
        writer.serialize(row)?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// The shortest decimal, never in scientific notation: that is how Rust's `Display` writes a float.
/// <https://doc.rust-lang.org/std/primitive.f64.html#impl-Display-for-f64>
fn plain<S: Serializer>(price: &Price, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&price.get())
}

#[cfg(test)]
mod tests {
    use jiff::{civil::time, tz::Offset};
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn any_row()(
            company_name in any::<String>(),
            symbol in "[A-Z0-9^][A-Z0-9.=^&-]{0,19}",
            hour in 0_i8..24,
            minutes in [0_i8..60, 0_i8..60],
            offset in -12_i8..=14,
            low in 1e-12_f64..1e15,
            spread in 1.0_f64..2.0,
            bars in 1_u32..=60,
            volume in any::<u64>(),
        ) -> Option<HourlyExtreme> {
            let date: TradeDate = "2021-11-30".parse().ok()?;
            let zone = Offset::from_hours(offset).ok()?.to_time_zone();
            let at = |minute| date.date().to_datetime(time(hour, minute, 0, 0)).to_zoned(zone.clone()).ok();
            Some(HourlyExtreme {
                company_name,
                symbol: symbol.parse().ok()?,
                trade_date: date,
                hour,
                datetime_high: at(minutes[0])?,
                highest_hourly_price: Price::from_wire(low * spread)?,
                datetime_low: at(minutes[1])?,
                lowest_hourly_price: Price::from_wire(low)?,
                bars,
                volume,
            })
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_equal(rows in prop::collection::vec(any_row(), 0..20)) {
            let rows: Option<Vec<HourlyExtreme>> = rows.into_iter().collect();
            prop_assert!(rows.is_some());
            let rows = rows.unwrap_or_default();
            let csv = write(&rows).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let back = read(&csv).map_err(|error| TestCaseError::fail(error.to_string()))?;
            // Two instants may be equal in different offsets; the text is what is promised.
            prop_assert_eq!(write(&back).ok(), Some(csv));
            prop_assert_eq!(back, rows);
        }
    }
}
