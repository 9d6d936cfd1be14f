//! The query's result: Athena's CSV, parsed and validated.
//!
//! Athena quotes every field, ends lines in LF, writes NULL as nothing and large doubles as `1.0E10`.
//! <https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html>

use std::collections::{BTreeMap, HashSet};

use csv::{ErrorKind, Position, ReaderBuilder, StringRecord};
use shared::{HourlyExtreme, Symbol, TradeDate, bar::offset_datetime, hourly_extreme};

use crate::error::{InvalidResult, RUN_BARS};

/// The query's result, validated.
#[derive(Debug, PartialEq)]
pub struct QueryResult {
    /// The rows, by company name, symbol and hour.
    pub rows: Vec<HourlyExtreme>,
    /// The number of the run's bars that the query saw of each symbol.
    pub run_bars: BTreeMap<Symbol, usize>,
}

/// Parses the query's result, in which every row must be of `trade_date`.
///
/// # Errors
/// The first problem, and its line.
pub fn read(object: &[u8], trade_date: TradeDate) -> Result<QueryResult, InvalidResult> {
    let mut reader = ReaderBuilder::new().from_reader(object);
    check_header(reader.headers().map_err(|error| broken(&error))?)?;
    let (mut rows, mut bars_of, mut keys) = (Vec::new(), BTreeMap::new(), HashSet::new());
    for record in reader.records() {
        let record = record.map_err(|error| broken(&error))?;
        let line = record.position().map_or(0, Position::line);
        let (row, run_bars): (HourlyExtreme, u32) = record.deserialize(None).map_err(|error| broken(&error))?;
        check(&row, run_bars, trade_date).map_err(|problem| InvalidResult::Row { line, problem })?;
        if !keys.insert((row.symbol.clone(), row.hour)) {
            let problem = format!("{} has a second row for hour {}", row.symbol, row.hour);
            return Err(InvalidResult::Row { line, problem });
        }
        *bars_of.entry(row.symbol.clone()).or_default() += run_bars as usize;
        rows.push(row);
    }
    rows.sort_by(|a, b| (&a.company_name, &a.symbol, a.hour).cmp(&(&b.company_name, &b.symbol, b.hour)));
    Ok(QueryResult { rows, run_bars: bars_of })
}

fn check_header(header: &StringRecord) -> Result<(), InvalidResult> {
    if header.is_empty() {
        return Err(InvalidResult::Empty);
    }
    if header.iter().eq(hourly_extreme::COLUMNS.into_iter().chain([RUN_BARS])) {
        return Ok(());
    }
    Err(InvalidResult::Header(header.iter().collect::<Vec<_>>().join(",")))
}

/// Validates what the types of a row do not. The message gives the values, since the error itself has only the line.
fn check(row: &HourlyExtreme, run_bars: u32, trade_date: TradeDate) -> Result<(), String> {
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

fn broken(error: &csv::Error) -> InvalidResult {
    let line = error.position().map_or(0, Position::line);
    let problem = match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} fields in place of {expected_len}")
        }
        ErrorKind::Deserialize { err, .. } => {
            let field = err.field().and_then(|at| usize::try_from(at).ok());
            let column = field.and_then(|at| hourly_extreme::COLUMNS.into_iter().chain([RUN_BARS]).nth(at));
            column.map_or_else(|| err.kind().to_string(), |column| format!("{column}: {}", err.kind()))
        }
        ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    InvalidResult::Row { line, problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use proptest::prelude::*;
    use shared::hourly_extreme::write;

    const DATE: &str = "2021-11-30";

    fn read_day(object: &str) -> Result<QueryResult, Box<dyn std::error::Error>> {
        Ok(read(object.as_bytes(), DATE.parse()?)?)
    }

    #[test]
    fn the_export_is_sorted_and_bare() -> Result<(), Box<dyn std::error::Error>> {
        let result = read_day(&sample::result())?;
        let seen: Vec<_> = result.run_bars.iter().map(|(symbol, bars)| (symbol.as_str(), *bars)).collect();
        assert_eq!(seen, [("META", 18), ("SHOP", 18), ("XYZ", 6)]);
        insta::assert_snapshot!(String::from_utf8(write(&result.rows)?)?);
        Ok(())
    }

    #[test]
    fn a_result_without_rows_has_seen_no_bars() -> Result<(), Box<dyn std::error::Error>> {
        assert_eq!(read_day(sample::HEADER)?, QueryResult { rows: vec![], run_bars: BTreeMap::new() });
        Ok(())
    }

    #[test]
    fn a_bad_result_is_rejected_with_the_line() -> Result<(), Box<dyn std::error::Error>> {
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

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(object in any::<Vec<u8>>(), rest in any::<Vec<u8>>()) {
            let date = DATE.parse().map_err(|_| TestCaseError::fail("the date"))?;
            prop_assert!(read(&object, date).is_err());
            let _ = read(&[sample::HEADER.as_bytes(), &rest].concat(), date);
        }
    }
}
