//! A row of the result, `hourly_extremes.csv`, and the file itself.

use std::{borrow::Cow, fmt, io, str::FromStr};

use csv::{QuoteStyle, ReaderBuilder, Terminator, WriterBuilder};
use jiff::Zoned;
use serde::{Deserialize, Serialize, Serializer};
use serde_with::{DeserializeFromStr, SerializeDisplay};

use crate::{
    MarketSource, Price, Symbol, TradeDate,
    bar::offset_datetime,
    csv_injection::{defused, original},
    market_source::UnknownSource,
};

/// The columns of the CSV; [`HourlyExtreme`] has its fields in this order. They are final: readers rely on the names and on
/// the places.
pub const COLUMNS: [&str; 15] = [
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
    "currency",
    "open",
    "close",
    "source",
    "previous_close",
];

/// Where prices are from: `yahoo`, `alpaca` or `simulated` in the CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SerializeDisplay, DeserializeFromStr)]
pub enum Source {
    /// A source of market data.
    Market(MarketSource),
    /// The simulated market, in the place of a source.
    Simulated,
}

const SIMULATED: &str = "simulated";

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Market(source) => source.fmt(formatter),
            Self::Simulated => formatter.write_str(SIMULATED),
        }
    }
}

impl FromStr for Source {
    type Err = UnknownSource;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name == SIMULATED { Ok(Self::Simulated) } else { name.parse().map(Self::Market) }
    }
}

/// The highest and the lowest price of one company in one hour of its exchange's clock.
///
/// A CSV that was written before the last five columns were added is read with `None` in them.
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
    /// The highest price of the hour, in the unit of `currency`, as all four are.
    #[serde(serialize_with = "plain")]
    pub highest_hourly_price: Price,
    /// The start of the earliest bar that reached the lowest price, with the exchange's offset.
    #[serde(with = "offset_datetime")]
    pub datetime_low: Zoned,
    /// The lowest price of the hour.
    #[serde(serialize_with = "plain")]
    pub lowest_hourly_price: Price,
    /// The number of bars that start in the hour.
    pub bars: u32,
    /// Shares (or units) traded in the hour.
    pub volume: u64,
    /// Yahoo's code: ISO 4217's, or of a minor unit such as `GBp` ([`crate::currency`]); `None` where Yahoo gives none.
    #[serde(default)]
    pub currency: Option<String>,
    /// The first price of the hour's first bar.
    #[serde(default, serialize_with = "plain_or_nothing")]
    pub open: Option<Price>,
    /// The last price of the hour's last bar.
    #[serde(default, serialize_with = "plain_or_nothing")]
    pub close: Option<Price>,
    /// Where the prices are from.
    #[serde(default)]
    pub source: Option<Source>,
    /// The last price of the symbol's session before, as the market reports it; the same in every row of a symbol.
    #[serde(default, serialize_with = "plain_or_nothing")]
    pub previous_close: Option<Price>,
}

/// Reads a CSV that [`write()`] wrote, also before it had the last five columns. Names are as they were, without the quote
/// that [`write()`] adds.
///
/// # Errors
/// The first line that is not a row, and what is wrong with it.
pub fn read(csv: &[u8]) -> Result<Vec<HourlyExtreme>, csv::Error> {
    let rows = ReaderBuilder::new().from_reader(csv).into_deserialize::<HourlyExtreme>();
    rows.map(|row| {
        let mut row = row?;
        row.company_name = original(&row.company_name).to_owned();
        row.currency = row.currency.map(|code| original(&code).to_owned());
        Ok(row)
    })
    .collect()
}

/// Writes the CSV row by row: [`COLUMNS`], then a line for each row; numbers bare, text quoted only where needed, lines ended
/// by LF. Names and currencies are the only text from outside: what a spreadsheet would run as a formula begins with a single
/// quote.
#[derive(Debug)]
pub struct Writer<W: io::Write>(csv::Writer<W>);

impl<W: io::Write> Writer<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// Those of `to`, as of all functions here.
    pub fn new(to: W) -> Result<Self, csv::Error> {
        let mut writer = WriterBuilder::new()
            .has_headers(false)
            .quote_style(QuoteStyle::Necessary)
            .terminator(Terminator::Any(b'\n'))
            .from_writer(to);
        writer.write_record(COLUMNS)?;
        Ok(Self(writer))
    }

    /// Writes a line.
    ///
    /// # Errors
    /// As [`Writer::new`].
    pub fn write(&mut self, row: &HourlyExtreme) -> Result<(), csv::Error> {
        self.0.serialize(without_formulas(row))
    }

    /// What was written to.
    ///
    /// # Errors
    /// As [`Writer::new`].
    pub fn into_inner(self) -> Result<W, csv::Error> {
        self.0.into_inner().map_err(|error| error.into_error().into())
    }
}

/// The CSV of [`Writer`], in memory.
///
/// # Errors
/// Those of the CSV writer; no row of this type causes one.
pub fn write(rows: &[HourlyExtreme]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = Writer::new(Vec::new())?;
    rows.iter().try_for_each(|row| writer.write(row))?;
    writer.into_inner()
}

/// The row as it stands in the CSV.
fn without_formulas(row: &HourlyExtreme) -> Cow<'_, HourlyExtreme> {
    let (name, currency) = (defused(&row.company_name), row.currency.as_deref().map(defused));
    if matches!((&name, &currency), (Cow::Borrowed(_), None | Some(Cow::Borrowed(_)))) {
        return Cow::Borrowed(row);
    }
    let (company_name, currency) = (name.into_owned(), currency.map(Cow::into_owned));
    Cow::Owned(HourlyExtreme { company_name, currency, ..row.clone() })
}

/// The shortest decimal, never in scientific notation: that is how Rust's `Display` writes a float.
/// <https://doc.rust-lang.org/std/primitive.f64.html#impl-Display-for-f64>
fn plain<S: Serializer>(price: &Price, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&price.get())
}

/// As [`plain`], and nothing for `None`.
fn plain_or_nothing<S: Serializer>(price: &Option<Price>, serializer: S) -> Result<S::Ok, S::Error> {
    match price {
        Some(price) => plain(price, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::{civil::time, tz::Offset};
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn any_row()(
            company_name in prop_oneof![any::<String>(), "'{0,2}[=+@＝\t\r\n-].{0,9}"],
            symbol in "[A-Z0-9^][A-Z0-9.=^&_-]{0,19}",
            hour in 0_i8..24,
            minutes in [0_i8..60, 0_i8..60],
            offset in -12_i8..=14,
            low in 1e-12_f64..1e15,
            spread in 1.0_f64..2.0,
            bars in 1_u32..=60,
            volume in any::<u64>(),
            currency in prop::option::of("[A-Z]{2}[A-Za-z]"),
            open_and_close in prop::option::of([0.0_f64..1.0, 0.0_f64..1.0]),
            source in prop::option::of(prop::sample::select(&[Source::Market(MarketSource::YAHOO), Source::Market(MarketSource::ALPACA), Source::Simulated])),
            previous_close in prop::option::of(1e-12_f64..1e15),
        ) -> Option<HourlyExtreme> {
            let date: TradeDate = "2021-11-30".parse().ok()?;
            let zone = Offset::from_hours(offset).ok()?.to_time_zone();
            let [open, close] = match open_and_close {
                Some(shares) => shares.map(|share| Price::from_wire(low + share * low * (spread - 1.0))),
                None => [None, None],
            };
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
                currency,
                open,
                close,
                source,
                previous_close: previous_close.and_then(Price::from_wire),
            })
        }
    }

    /// Of a run of the version before.
    const TEN_COLUMNS: &str = "\
company_name,symbol,trade_date,hour,datetime_high,highest_hourly_price,datetime_low,lowest_hourly_price,bars,volume
Vodafone,VOD.L,2026-11-20,8,2026-11-20T08:05:00+00:00,81.5,2026-11-20T08:00:00+00:00,80.9,12,100
";

    #[test]
    fn the_header_is_the_contract() -> Result<(), Box<dyn std::error::Error>> {
        assert_eq!(
            String::from_utf8(write(&[])?)?,
            "company_name,symbol,trade_date,hour,datetime_high,highest_hourly_price,datetime_low,lowest_hourly_price,\
             bars,volume,currency,open,close,source,previous_close\n"
        );
        Ok(())
    }

    #[test]
    fn a_csv_of_the_first_ten_columns_reads_with_the_rest_unknown() -> Result<(), Box<dyn std::error::Error>> {
        let rows = read(TEN_COLUMNS.as_bytes())?;
        let [row] = &rows[..] else { return Err(format!("{rows:?}").into()) };
        assert_eq!((row.symbol.as_str(), row.bars, row.volume), ("VOD.L", 12, 100));
        assert_eq!((&row.currency, row.open, row.close, row.source), (&None, None, None, None));
        assert_eq!(row.previous_close, None);
        Ok(())
    }

    #[test]
    fn the_last_five_columns_are_bare_or_empty() -> Result<(), Box<dyn std::error::Error>> {
        let old = read(TEN_COLUMNS.as_bytes())?.remove(0);
        let price = |value| Price::from_wire(value);
        let new = HourlyExtreme {
            currency: Some("GBp".into()),
            open: price(81.0),
            close: price(0.000_000_25),
            source: Some(Source::Simulated),
            previous_close: price(80.5),
            ..old.clone()
        };
        for (row, ends) in [
            (new.clone(), ",12,100,GBp,81,0.00000025,simulated,80.5\n"),
            (
                HourlyExtreme {
                    currency: None,
                    source: Some(Source::Market(MarketSource::YAHOO)),
                    previous_close: None,
                    ..new
                },
                ",12,100,,81,0.00000025,yahoo,\n",
            ),
            (old, ",12,100,,,,,\n"),
        ] {
            let csv = String::from_utf8(write(std::slice::from_ref(&row))?)?;
            assert!(csv.ends_with(ends), "{csv}");
            assert_eq!(read(csv.as_bytes())?, [row]);
        }
        Ok(())
    }

    #[test]
    fn names_survive_and_none_is_a_formula() -> Result<(), Box<dyn std::error::Error>> {
        let row = read(TEN_COLUMNS.as_bytes())?.remove(0);
        for (name, field) in [
            ("=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""),
            ("-1+1|cmd", "'-1+1|cmd"),
            ("＝1", "'＝1"),
            ("\rAlpha", "\"'\rAlpha\""),
            ("two\nlines\r\nand more", "\"two\nlines\r\nand more\""),
            ("Moët, \"Hennessy\" & Cie", "\"Moët, \"\"Hennessy\"\" & Cie\""),
            ("\u{202e}gnitrevni \u{200f}שלום", "\u{202e}gnitrevni \u{200f}שלום"),
            ("\u{feff}Alpha", "\u{feff}Alpha"),
            ("'t Hooft", "'t Hooft"),
            ("TRUE", "TRUE"),
            ("NA", "NA"),
            ("  Alpha ", "  Alpha "),
        ] {
            let row = HourlyExtreme { company_name: name.to_owned(), ..row.clone() };
            let csv = String::from_utf8(write(std::slice::from_ref(&row))?)?;
            let line = csv.strip_prefix(&(COLUMNS.join(",") + "\n")).unwrap_or_default();
            assert!(line.starts_with(&format!("{field},VOD.L,")), "{name:?}: {line}");
            assert_eq!(read(csv.as_bytes())?, [row], "{name:?}");
        }
        let row = HourlyExtreme { currency: Some("=1+1".into()), ..row };
        let csv = String::from_utf8(write(std::slice::from_ref(&row))?)?;
        assert!(csv.contains(",12,100,'=1+1,"), "{csv}");
        assert_eq!(read(csv.as_bytes())?, [row]);
        Ok(())
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
