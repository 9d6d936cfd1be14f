//! The query's result: Athena's CSV, parsed and validated company by company while it arrives.
//!
//! Athena quotes every field, ends lines in LF, writes NULL as nothing and large doubles as `1.0E10`.
//! <https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html>

use std::{cmp::Ordering, collections::HashSet, mem};

use csv::{ErrorKind, Position, StringRecord};
use jiff::Timestamp;
use shared::{HourlyExtreme, Price, Source, Symbol, TradeDate, bar::offset_datetime};

use crate::{
    error::{CLOSES, COLLECTED_AT, InvalidResult, RESTATED, RUN_BARS, result_columns},
    records::Records,
};

/// The rows of one company, of which there is at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct CompanyRows {
    pub symbol: Symbol,
    /// Its hours, oldest first.
    pub hours: Vec<HourlyExtreme>,
    /// The last prices of its bars, oldest first.
    pub closes: Vec<BarClose>,
    /// What the query says of the symbol.
    pub seen: SeenSymbol,
}

/// The last price of a bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BarClose {
    /// When the bar starts, in minutes since midnight on the exchange's clock.
    pub minute: u16,
    /// The price.
    pub price: Price,
}

/// What is the same in every row of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenSymbol {
    /// The number of bars that the run wrote of it, in all attempts, as far as the query saw them.
    pub run_bars: usize,
    /// Whether bars were left out because they are of another scale or currency.
    pub restated: bool,
    /// When its newest collection began.
    pub collected_at: Timestamp,
}

/// A parser of the result, which holds the rows of one company at a time.
#[derive(Debug)]
pub struct Parser {
    records: Records,
    rows: Rows,
}

impl Parser {
    /// Every row must be of `trade_date`. Where a reply was `simulated`, all of its prices are, whatever source it speaks for.
    pub fn new(trade_date: TradeDate, simulated: bool) -> Self {
        let rows =
            Rows { trade_date, simulated, header: None, company: None, seen: HashSet::new(), complete: Vec::new() };
        Self { records: Records::default(), rows }
    }

    /// Parses a piece of the result; returns the companies whose last row it has, in the result's order.
    ///
    /// # Errors
    /// The first problem, and its line.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<CompanyRows>, InvalidResult> {
        self.records.push(piece, |record| self.rows.take(record))?;
        Ok(mem::take(&mut self.rows.complete))
    }

    /// The last company, at the end of the result.
    ///
    /// # Errors
    /// As [`Parser::push`], and where there is not even a header.
    pub fn finish(mut self) -> Result<Vec<CompanyRows>, InvalidResult> {
        self.records.finish(|record| self.rows.take(record))?;
        self.rows.header.ok_or(InvalidResult::Empty)?;
        self.rows.complete.extend(self.rows.company);
        Ok(self.rows.complete)
    }
}

/// Makes companies of records.
#[derive(Debug)]
struct Rows {
    trade_date: TradeDate,
    simulated: bool,
    header: Option<StringRecord>,
    /// The company whose rows are passing.
    company: Option<CompanyRows>,
    /// All symbols so far.
    seen: HashSet<Symbol>,
    /// The companies whose rows have passed.
    complete: Vec<CompanyRows>,
}

impl Rows {
    fn take(&mut self, record: &StringRecord) -> Result<(), InvalidResult> {
        let Some(header) = &self.header else {
            check_header(record)?;
            self.header = Some(record.clone());
            return Ok(());
        };
        let invalid = |problem| InvalidResult::Row { line: record.position().map_or(0, Position::line), problem };
        if record.len() != header.len() {
            return Err(invalid(format!("it has {} fields in place of {}", record.len(), header.len())));
        }
        let row: HourlyExtreme = record.deserialize(Some(header)).map_err(|error| broken(&error))?;
        check(&row, self.trade_date).map_err(invalid)?;
        let mut last = record.iter().skip(header.len() - 4);
        let mut column = || last.next().unwrap_or_default();
        let closes = closes(&row, column()).map_err(|problem| invalid(format!("{CLOSES}: {problem}")))?;
        let seen = seen([column(), column(), column()]).map_err(invalid)?;
        let source = if self.simulated { Some(Source::Simulated) } else { row.source };
        self.add(HourlyExtreme { source, ..row }, closes, seen).map_err(invalid)
    }

    /// Adds a row to the company whose rows are passing, or begins the next one with it.
    fn add(&mut self, row: HourlyExtreme, closes: Vec<BarClose>, seen: SeenSymbol) -> Result<(), String> {
        match &mut self.company {
            Some(company) if company.symbol == row.symbol => company.add(row, closes, seen),
            company => {
                let is_in_order =
                    company.as_ref().is_none_or(|before| before.name_and_symbol() < (&row.company_name, &row.symbol));
                if !is_in_order || !self.seen.insert(row.symbol.clone()) {
                    return Err(format!(
                        "{} is out of place: the rows have to stand by company_name, symbol and hour",
                        row.symbol
                    ));
                }
                let next = CompanyRows { symbol: row.symbol.clone(), hours: vec![row], closes, seen };
                self.complete.extend(company.replace(next));
                Ok(())
            }
        }
    }
}

impl CompanyRows {
    /// Adds an hour after the last one.
    fn add(&mut self, row: HourlyExtreme, closes: Vec<BarClose>, seen: SeenSymbol) -> Result<(), String> {
        let symbol = &row.symbol;
        let Some(last) = self.hours.last() else { return Err(format!("{symbol} has no hour before it")) };
        let differs = (&last.company_name, last.source, last.previous_close, self.seen)
            != (&row.company_name, row.source, row.previous_close, seen);
        match row.hour.cmp(&last.hour) {
            _ if differs => Err(format!(
                "{symbol} has another company_name, source, previous_close, {RESTATED}, {RUN_BARS} or {COLLECTED_AT} than before"
            )),
            Ordering::Equal => Err(format!("{symbol} has a second row for hour {}", row.hour)),
            Ordering::Less => Err(format!("{symbol} has hour {} after hour {}", row.hour, last.hour)),
            Ordering::Greater => {
                self.hours.push(row);
                self.closes.extend(closes);
                Ok(())
            }
        }
    }

    /// By which companies are ordered.
    pub fn name_and_symbol(&self) -> (&str, &Symbol) {
        (self.hours.first().map_or("", |hour| &hour.company_name), &self.symbol)
    }
}

/// The last prices of a row's bars, from text such as `30 334.79,35 335.2`.
fn closes(row: &HourlyExtreme, text: &str) -> Result<Vec<BarClose>, String> {
    let close = |bar: &str| {
        let (minute, price) = bar.split_once(' ')?;
        let minute = minute.parse().ok().filter(|minute: &u16| *minute < 60)?;
        let price = Price::from_wire(price.parse().ok()?)?;
        let in_range = row.lowest_hourly_price <= price && price <= row.highest_hourly_price;
        in_range.then_some(BarClose { minute: u16::try_from(row.hour).ok()? * 60 + minute, price })
    };
    let closes: Option<Vec<_>> = text.split(',').map(close).collect();
    let closes = closes
        .ok_or_else(|| format!("{text:?} are not minutes with prices of the hour, such as 30 334.79,35 335.2"))?;
    if closes.len() != row.bars as usize || closes.last().map(|close| close.price) != row.close {
        return Err(format!("{text:?} are not the last prices of the hour's {} bars", row.bars));
    }
    Ok(closes)
}

fn seen([restated, run_bars, collected_at]: [&str; 3]) -> Result<SeenSymbol, String> {
    Ok(SeenSymbol {
        run_bars: run_bars.parse().map_err(|error| format!("{RUN_BARS}: {error}"))?,
        restated: restated.parse().map_err(|error| format!("{RESTATED}: {error}"))?,
        collected_at: collected_at.parse().map_err(|error| format!("{COLLECTED_AT}: {error}"))?,
    })
}

fn check_header(header: &StringRecord) -> Result<(), InvalidResult> {
    if header.iter().eq(result_columns()) {
        return Ok(());
    }
    Err(InvalidResult::Header(header.iter().collect::<Vec<_>>().join(",")))
}

/// Validates what the types of a row do not. The message gives the values, since the error itself has only the line.
fn check(row: &HourlyExtreme, trade_date: TradeDate) -> Result<(), String> {
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
    for (column, price) in [("open", row.open), ("close", row.close)] {
        let price = price.ok_or_else(|| format!("{column}: it is missing"))?.get();
        if !(low..=high).contains(&price) {
            return Err(format!("{column}: {price} does not lie in {low} to {high}"));
        }
    }
    if row.source.is_none() {
        return Err("source: it is missing".to_owned());
    }
    if row.previous_close.is_some_and(|price| !(price.get().is_finite() && price.get() > 0.0)) {
        return Err("previous_close: it is not a price".to_owned());
    }
    if row.bars == 0 {
        return Err("it has no bars".to_owned());
    }
    Ok(())
}

fn broken(error: &csv::Error) -> InvalidResult {
    let line = error.position().map_or(0, Position::line);
    let problem = match error.kind() {
        ErrorKind::Deserialize { err, .. } => {
            let field = err.field().and_then(|at| usize::try_from(at).ok());
            let column = field.and_then(|at| result_columns().nth(at));
            column.map_or_else(|| err.kind().to_string(), |column| format!("{column}: {}", err.kind()))
        }
        _ => error.to_string(),
    };
    InvalidResult::Row { line, problem }
}

/// Parses a result that is there as a whole.
///
/// # Errors
/// As [`Parser`].
#[cfg(test)]
pub fn read(result: &[u8], trade_date: TradeDate, simulated: bool) -> Result<Vec<CompanyRows>, InvalidResult> {
    let mut parser = Parser::new(trade_date, simulated);
    let mut companies = parser.push(result)?;
    companies.extend(parser.finish()?);
    Ok(companies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use proptest::prelude::*;
    use shared::{MarketSource, hourly_extreme::write};

    const DATE: &str = "2021-11-30";

    fn read_day(object: &str) -> Result<Vec<CompanyRows>, Box<dyn std::error::Error>> {
        Ok(read(object.as_bytes(), DATE.parse()?, false)?)
    }

    fn csv(companies: &[CompanyRows]) -> Result<String, Box<dyn std::error::Error>> {
        let rows: Vec<_> = companies.iter().flat_map(|company| company.hours.clone()).collect();
        Ok(String::from_utf8(write(&rows)?)?)
    }

    #[test]
    fn the_export_is_bare() -> Result<(), Box<dyn std::error::Error>> {
        let companies = read_day(&sample::result())?;
        let seen: Vec<_> =
            companies.iter().map(|it| (it.symbol.as_str(), it.seen.run_bars, it.seen.restated)).collect();
        assert_eq!(seen, [("XYZ", 6, true), ("META", 18, false), ("SHOP", 18, false)]);
        insta::assert_snapshot!(csv(&companies)?);
        Ok(())
    }

    #[test]
    fn a_row_says_where_its_prices_are_from_unless_all_are_simulated() -> Result<(), Box<dyn std::error::Error>> {
        let (yahoo, alpaca) = (Source::Market(MarketSource::YAHOO), Source::Market(MarketSource::ALPACA));
        for (simulated, expected) in [(false, [yahoo, yahoo, alpaca]), (true, [Source::Simulated; 3])] {
            let companies = read(sample::result().as_bytes(), DATE.parse()?, simulated)?;
            let sources = companies.iter().flat_map(|company| company.hours.first()?.source);
            assert_eq!(sources.collect::<Vec<_>>(), expected);
        }
        Ok(())
    }

    #[test]
    fn a_result_without_rows_has_no_companies() -> Result<(), Box<dyn std::error::Error>> {
        assert_eq!(read_day(sample::HEADER)?, []);
        Ok(())
    }

    #[test]
    fn a_company_is_complete_with_the_first_row_of_the_next() -> Result<(), Box<dyn std::error::Error>> {
        let mut parser = Parser::new(DATE.parse()?, false);
        let result = sample::result();
        let mut complete = vec![];
        for line in result.split_inclusive('\n') {
            let symbols: Vec<_> = parser.push(line.as_bytes())?.iter().map(|it| it.symbol.to_string()).collect();
            complete.push(symbols.join(" "));
        }
        assert_eq!(complete, ["", "", "XYZ", "", "META", ""]);
        assert_eq!(parser.finish()?.iter().map(|it| it.symbol.as_str()).collect::<Vec<_>>(), ["SHOP"]);
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
            (sample::HEADER.replace(r#","run_bars""#, ""), "closes,restated,collected_at, and not"),
            (sample::HEADER.replace("datetime_high", "datetime_low"), "has the columns"),
            (format!("{}\"SHOP\",\"x\"\n", sample::HEADER), "line 2: it has 2 fields in place of 19"),
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
            (edited("\"12\",\"2500000\"", "\"0\",\"2500000\""), "it has no bars"),
            (edited("\"false\"", "\"no\""), "line 2: restated: "),
            (
                format!(
                    "{}{good}{}",
                    sample::HEADER,
                    good.replace("\"10\",", "\"11\",").replace("T10:05", "T11:05").replace("false", "true")
                ),
                "META has another company_name, source, previous_close, restated, run_bars or collected_at than before",
            ),
            (
                format!(
                    "{}{good}{}",
                    sample::HEADER,
                    good.replace("\"10\",", "\"11\",")
                        .replace("T10:05", "T11:05")
                        .replace("\"18\",\"2021", "\"19\",\"2021")
                ),
                "META has another company_name, source, previous_close, restated, run_bars or collected_at than before",
            ),
            (edited("\"2500000\"", "\"-1\""), "volume: invalid digit"),
            (edited("\"335.5\"", ""), "line 2: open: it is missing"),
            (edited("\"340.25\"", ""), "line 2: close: it is missing"),
            (edited("335.5", "334.17"), "open: 334.17 does not lie in 334.18 to 341.19"),
            (edited("340.25", "341.2"), "close: 341.2 does not lie in 334.18 to 341.19"),
            (edited("340.25", "NaN"), "close: NaN does not lie"),
            (edited("335.5", "n/a"), "line 2: open: "),
            (edited("\"yahoo\"", "\"Yahoo\""), "line 2: \"Yahoo\" is not a source of market data"),
            (edited("\"yahoo\"", ""), "line 2: source: it is missing"),
            (edited("\"333.0\"", "\"0\""), "line 2: previous_close: it is not a price"),
            (edited("\"333.0\"", "\"NaN\""), "line 2: previous_close: it is not a price"),
            (edited("\"333.0\"", "\"n/a\""), "line 2: previous_close: "),
            (edited("\"00 335.9,", "\"60 335.9,"), "line 2: closes: \"60 335.9,"),
            (edited("\"00 335.9,", "\"335.9,"), "are not minutes with prices of the hour, such as"),
            (edited("\"00 335.9,", "\"00 341.2,"), "are not minutes with prices of the hour, such as"),
            (edited("\"00 335.9,", "\""), "are not the last prices of the hour's 12 bars"),
            (edited("340.25\",\"false", "340.2\",\"false"), "are not the last prices of the hour's 12 bars"),
            (edited("\"18\",\"2021-11-30T22", "\"x\",\"2021-11-30T22"), "line 2: run_bars: "),
            (edited("2021-11-30T22:30:00Z", "yesterday"), "line 2: collected_at: "),
            (format!("{}{good}{good}", sample::HEADER), "line 3: META has a second row for hour 10"),
            (
                format!("{}{good}{}", sample::HEADER, good.replace("\"10\",", "\"9\",").replace("T10:05", "T09:05")),
                "line 3: META has hour 9 after hour 10",
            ),
            (
                format!("{}{good}{}", sample::HEADER, good.replace("META", "AAPL")),
                "line 3: AAPL is out of place: the rows have to stand by company_name, symbol and hour",
            ),
            (
                format!(
                    "{}{good}{}{}",
                    sample::HEADER,
                    good.replace("META", "SNAP"),
                    good.replace("Meta Platforms", "Meta Zwei")
                ),
                "line 4: META is out of place",
            ),
        ] {
            let said = read_day(&object).err().map(|e| e.to_string()).unwrap_or_default();
            assert!(said.contains(says), "{object}\nsaid: {said}\nnot:  {says}");
        }
        assert!(read(b"\xff\n", DATE.parse()?, false).is_err_and(|e| e.to_string().contains("it is not UTF-8")));
        Ok(())
    }

    #[test]
    fn athenas_large_and_small_doubles_become_plain() -> Result<(), Box<dyn std::error::Error>> {
        let at_one_price = |high: &str| {
            let closes = ["341.19"; 12].join(",00 ");
            let row = sample::row().replace(&sample::closes("335.5", "340.25", 12), &format!("00 {closes}"));
            ["341.19", "335.5", "340.25"].into_iter().fold(row, |row, price| row.replace(price, high))
        };
        for (athena, plain) in
            [("1.0E10", "10000000000"), ("892.0", "892"), ("334.1801", "334.1801"), ("712345.67", "712345.67")]
        {
            let object = format!("{}{}", sample::HEADER, at_one_price(athena));
            let csv = csv(&read_day(&object)?)?;
            assert!(csv.contains(&format!(",{plain},2021-11-30T10:05:00-05:00,")), "{csv}");
        }
        let small = at_one_price("2.5E-7").replace("334.18", "1.0E-7");
        let csv = csv(&read_day(&format!("{}{small}", sample::HEADER))?)?;
        assert!(csv.contains(",0.00000025,") && csv.contains(",0.0000001,"), "{csv}");
        Ok(())
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(object in any::<Vec<u8>>(), rest in any::<Vec<u8>>()) {
            let date = DATE.parse().map_err(|_| TestCaseError::fail("the date"))?;
            prop_assert!(read(&object, date, false).is_err());
            let _ = read(&[sample::HEADER.as_bytes(), &rest].concat(), date, false);
        }
    }
}
