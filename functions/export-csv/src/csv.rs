//! The two CSVs: the query's result, which is checked in full, and the export, which is written from it.
//!
//! Athena quotes every field, ends lines in LF, writes NULL as nothing and large doubles as `1.0E10`.
//! <https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html>

use std::collections::HashSet;

use ::csv::{ErrorKind, QuoteStyle, ReaderBuilder, StringRecord, Terminator, WriterBuilder};
use jiff::Zoned;
use serde::{Deserialize, Serialize};
use shared::{Price, Symbol, TradeDate, bar::offset_datetime};

/// The header of the export; [`Row`] has its fields in this order.
pub const EXPORT_HEADER: [&str; 10] = [
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

/// The column that the query's result has behind those of the export: how many of `bars` are the run's.
const RUN_BARS: &str = "run_bars";

/// One company in one exchange-local hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The company's name.
    pub company_name: String,
    /// Its symbol.
    pub symbol: Symbol,
    /// The exchange-local date.
    pub trade_date: TradeDate,
    /// The exchange-local hour, 0 to 23, in which the bars start.
    pub hour: i8,
    /// The start of the earliest bar that reached the highest price, with the exchange's offset.
    #[serde(with = "offset_datetime")]
    pub datetime_high: Zoned,
    /// The highest price of the hour.
    #[serde(serialize_with = "plain")]
    pub highest_hourly_price: Price,
    /// The start of the earliest bar that reached the lowest price, with the exchange's offset.
    #[serde(with = "offset_datetime")]
    pub datetime_low: Zoned,
    /// The lowest price of the hour.
    #[serde(serialize_with = "plain")]
    pub lowest_hourly_price: Price,
    /// Bars that start in the hour.
    pub bars: u32,
    /// Shares (or units) traded in the hour.
    pub volume: u64,
}

/// The query's result, checked.
#[derive(Debug, PartialEq)]
pub struct QueryResult {
    /// The rows, by company name, symbol and hour.
    pub rows: Vec<Row>,
    /// Bars of the run that the query saw.
    pub bars_seen: usize,
}

/// What is wrong with a query's result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidResult {
    /// The object has no bytes.
    #[error("is empty, without even a header")]
    Empty,
    /// The columns are not the agreed ones.
    #[error("has the columns {0}, and not {expected},{RUN_BARS}", expected = EXPORT_HEADER.join(","))]
    Header(String),
    /// A row does not hold what its columns promise.
    #[error("is wrong in line {line}: {problem}")]
    Row {
        /// The line, counted from 1, the header.
        line: u64,
        /// What is wrong there.
        problem: String,
    },
    /// The rows cannot be shown.
    #[error("cannot be written out: {0}")]
    Unwritable(String),
}

/// Reads the query's result, which may hold rows of `trade_date` only.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn read(object: &[u8], trade_date: TradeDate) -> Result<QueryResult, InvalidResult> {
    let mut reader = ReaderBuilder::new().from_reader(object);
    check_header(reader.headers().map_err(|error| broken(&error))?)?;
    let (mut rows, mut bars_seen, mut keys) = (Vec::new(), 0_usize, HashSet::new());
    for record in reader.records() {
        let record = record.map_err(|error| broken(&error))?;
        let line = record.position().map_or(0, ::csv::Position::line);
        let (row, run_bars): (Row, u32) = record.deserialize(None).map_err(|error| broken(&error))?;
        check(&row, run_bars, trade_date).map_err(|problem| InvalidResult::Row { line, problem })?;
        if !keys.insert((row.symbol.clone(), row.hour)) {
            let problem = format!("{} has a second row for hour {}", row.symbol, row.hour);
            return Err(InvalidResult::Row { line, problem });
        }
        bars_seen += run_bars as usize;
        rows.push(row);
    }
    rows.sort_by(|a, b| (&a.company_name, &a.symbol, a.hour).cmp(&(&b.company_name, &b.symbol, b.hour)));
    Ok(QueryResult { rows, bars_seen })
}

fn check_header(header: &StringRecord) -> Result<(), InvalidResult> {
    if header.is_empty() {
        return Err(InvalidResult::Empty);
    }
    if header.iter().eq(EXPORT_HEADER.into_iter().chain([RUN_BARS])) {
        return Ok(());
    }
    Err(InvalidResult::Header(header.iter().collect::<Vec<_>>().join(",")))
}

/// What a row must be beyond its types. The message names the values, for the reader has only the line.
fn check(row: &Row, run_bars: u32, trade_date: TradeDate) -> Result<(), String> {
    if row.trade_date != trade_date {
        return Err(format!("its trade_date is {}, and the run's is {trade_date}", row.trade_date));
    }
    for at in [&row.datetime_high, &row.datetime_low] {
        if at.date() != trade_date.date() || at.hour() != row.hour {
            return Err(format!("{} does not lie in hour {} of {trade_date}", offset_datetime::text(at), row.hour));
        }
    }
    let (low, high) = (row.lowest_hourly_price.get(), row.highest_hourly_price.get());
    if !(low.is_finite() && high.is_finite() && 0.0 < low && low <= high) {
        return Err(format!("{low} to {high} are not a lowest and a highest price"));
    }
    if row.bars == 0 || run_bars > row.bars {
        return Err(format!("{run_bars} of the run's bars are not among {} bars", row.bars));
    }
    Ok(())
}

fn broken(error: &::csv::Error) -> InvalidResult {
    let line = error.position().map_or(0, ::csv::Position::line);
    let problem = match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} fields in place of {expected_len}")
        }
        ErrorKind::Deserialize { err, .. } => {
            let field = err.field().and_then(|at| usize::try_from(at).ok());
            let column = field.and_then(|at| EXPORT_HEADER.into_iter().chain([RUN_BARS]).nth(at));
            column.map_or_else(|| err.kind().to_string(), |column| format!("{column}: {}", err.kind()))
        }
        ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    InvalidResult::Row { line, problem }
}

/// The export: [`EXPORT_HEADER`], then a line for each row; numbers bare, text quoted only where needed.
///
/// # Errors
/// [`InvalidResult::Unwritable`], which no row that [`read`] returns leads to.
pub fn write(rows: &[Row]) -> Result<Vec<u8>, InvalidResult> {
    let unwritable = |error: ::csv::Error| InvalidResult::Unwritable(error.to_string());
    let mut writer = WriterBuilder::new()
        .has_headers(false)
        .quote_style(QuoteStyle::Necessary)
        .terminator(Terminator::Any(b'\n'))
        .from_writer(Vec::new());
    writer.write_record(EXPORT_HEADER).map_err(unwritable)?;
    for row in rows {
        writer.serialize(row).map_err(unwritable)?;
    }
    writer.into_inner().map_err(|error| InvalidResult::Unwritable(error.to_string()))
}

/// The shortest decimal, never in scientific notation: Rust's `Display` does just that.
/// <https://doc.rust-lang.org/std/primitive.f64.html#impl-Display-for-f64>
fn plain<S: serde::Serializer>(price: &Price, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&price.get())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use jiff::{civil::time, tz::Offset};
    use proptest::prelude::*;

    const DATE: &str = "2021-11-30";

    fn read_day(object: &str) -> Result<QueryResult, Box<dyn std::error::Error>> {
        Ok(read(object.as_bytes(), DATE.parse()?)?)
    }

    #[test]
    fn the_export_is_sorted_and_bare() -> Result<(), Box<dyn std::error::Error>> {
        let result = read_day(&sample::result())?;
        assert_eq!(result.bars_seen, 42);
        insta::assert_snapshot!(String::from_utf8(write(&result.rows)?)?);
        Ok(())
    }

    #[test]
    fn a_result_without_rows_has_seen_no_bars() -> Result<(), Box<dyn std::error::Error>> {
        assert_eq!(read_day(sample::HEADER)?, QueryResult { rows: vec![], bars_seen: 0 });
        Ok(())
    }

    #[test]
    fn a_bad_result_is_refused_with_the_place() -> Result<(), Box<dyn std::error::Error>> {
        let good = sample::row();
        let edited = |from: &str, to: &str| format!("{}{}", sample::HEADER, good.replacen(from, to, 1));
        assert!(good.contains(r#""10","2021"#) && read_day(&edited("", "")).is_ok());
        for (object, says) in [
            (String::new(), "is empty"),
            (
                "company_name,symbol\n".into(),
                "has the columns company_name,symbol, and not company_name,symbol,trade_date",
            ),
            (sample::HEADER.replace(r#","run_bars""#, ""), "bars,volume, and not"),
            (sample::HEADER.replace("datetime_high", "datetime_low"), "has the columns"),
            (format!("{}\"SHOP\",\"x\"\n", sample::HEADER), "line 2: it has 2 fields in place of 11"),
            (edited("341.19", "n/a"), "line 2: highest_hourly_price: invalid float literal"),
            (edited("341.19", ""), "line 2: highest_hourly_price"),
            (edited("341.19", "NaN"), "334.18 to NaN are not a lowest and a highest price"),
            (edited("341.19", "334.17"), "334.18 to 334.17 are not"),
            (edited("334.18", "0"), "0 to 341.19 are not"),
            (edited("\"10\"", "\"ten\""), "line 2: hour: "),
            (edited("\"10\"", "\"11\""), "2021-11-30T10:05:00-05:00 does not lie in hour 11 of 2021-11-30"),
            (edited(DATE, "2021-12-01"), "its trade_date is 2021-12-01, and the run's is 2021-11-30"),
            (edited("2021-11-30T10:05", "2021-12-01T10:05"), "2021-12-01T10:05:00-05:00 does not lie in hour 10"),
            (edited("10:05:00-05:00", "10:05:00Z"), "is not a datetime with an offset"),
            (edited("\"META\"", "\"ME TA\""), "\"ME TA\" is not a symbol"),
            (edited("\"12\",\"2500000\",\"12\"", "\"12\",\"2500000\",\"13\""), "13 of the run's bars are not among 12"),
            (edited("\"12\",\"2500000\",\"12\"", "\"12\",\"-1\",\"12\""), "volume: invalid digit"),
            (format!("{}{good}{good}", sample::HEADER), "line 3: META has a second row for hour 10"),
        ] {
            let said = read_day(&object).err().map(|e| e.to_string()).unwrap_or_default();
            assert!(said.contains(says), "{object}\nsaid: {said}\nnot:  {says}");
        }
        assert!(read(b"\xff\n", DATE.parse()?).is_err_and(|e| e.to_string().contains("it is not UTF-8")));
        Ok(())
    }

    #[test]
    fn athenas_large_and_small_doubles_become_plain() -> Result<(), Box<dyn std::error::Error>> {
        for (athena, plain) in
            [("1.0E10", "10000000000"), ("892.0", "892"), ("334.1801", "334.1801"), ("712345.67", "712345.67")]
        {
            let object = format!("{}{}", sample::HEADER, sample::row().replace("341.19", athena));
            let csv = String::from_utf8(write(&read_day(&object)?.rows)?)?;
            assert!(csv.contains(&format!(",{plain},2021-11-30T10:05:00-05:00,")), "{csv}");
        }
        let small = sample::row().replace("341.19", "2.5E-7").replace("334.18", "1.0E-7");
        let csv = String::from_utf8(write(&read_day(&format!("{}{small}", sample::HEADER))?.rows)?)?;
        assert!(csv.contains(",0.00000025,") && csv.contains(",0.0000001,"), "{csv}");
        Ok(())
    }

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
        ) -> Option<Row> {
            let date: TradeDate = DATE.parse().ok()?;
            let zone = Offset::from_hours(offset).ok()?.to_time_zone();
            let at = |minute| date.date().to_datetime(time(hour, minute, 0, 0)).to_zoned(zone.clone()).ok();
            Some(Row {
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
        fn what_is_exported_reads_back_equal(rows in prop::collection::vec(any_row(), 0..20)) {
            let rows: Option<Vec<Row>> = rows.into_iter().collect();
            prop_assert!(rows.is_some());
            let rows = rows.unwrap_or_default();
            let csv = write(&rows).map_err(|e| TestCaseError::fail(e.to_string()))?;
            let back: Result<Vec<Row>, _> = ReaderBuilder::new().from_reader(csv.as_slice()).deserialize().collect();
            let back = back.map_err(|e| TestCaseError::fail(e.to_string()))?;
            // Two instants may be equal in different offsets; the text is what is promised.
            prop_assert_eq!(write(&back).ok(), Some(csv));
            prop_assert_eq!(back, rows);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(object in any::<Vec<u8>>(), rest in any::<Vec<u8>>()) {
            let date = DATE.parse().map_err(|_| TestCaseError::fail("the date"))?;
            prop_assert!(read(&object, date).is_err());
            let _ = read(&[sample::HEADER.as_bytes(), &rest].concat(), date);
        }
    }
}
