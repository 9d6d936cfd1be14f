//! A bar as a record of the lake, and the prices in it.

use std::borrow::Cow;

use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

use crate::{Interval, MarketSource, RunId, Symbol, TradeDate};

/// A price in the unit of Yahoo's currency code (dollars for `USD`, pence for `GBp`), printed with the fewest decimals
/// that give back what Yahoo holds.
///
/// Yahoo stores prices as 32-bit floats and sends them widened to 64 bits, so 334.79 arrives as
/// `334.7900085449219`. Such a value is narrowed back to the shortest decimal of the 32-bit float;
/// a value that is not a widened 32-bit float is kept as it is.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Price(f64);

impl Price {
    /// A price from the number on the wire; `None` unless it is finite and greater than zero.
    pub fn from_wire(value: f64) -> Option<Self> {
        if !value.is_finite() || value <= 0.0 {
            return None;
        }
        #[allow(clippy::cast_possible_truncation)] // narrowing is the point: it is undone when it loses anything
        let narrow = value as f32;
        let widened_from_f32 = f64::from(narrow) == value;
        let shortest = || few_decimals(narrow).or_else(|| narrow.to_string().parse().ok());
        Some(Self(if widened_from_f32 { shortest()? } else { value }))
    }

    /// The price as a number, in the same unit.
    pub fn get(self) -> f64 {
        self.0
    }
}

/// The shortest decimal that gives back the float, without the way through text; `None` where it has more than six
/// decimals, or two are as short.
///
/// Below a million both products and whole numbers are exact in 64 bits, and so the quotient is what parsing the decimal gives.
fn few_decimals(narrow: f32) -> Option<f64> {
    const POWERS: [f64; 7] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];
    if narrow >= 1e6 {
        return None;
    }
    // Where floats are closer than hundredths no two of these give back the same one, and so one with fewer decimals is among them.
    let powers = if narrow < 8192.0 { &POWERS[2..] } else { &POWERS };
    powers
        .iter()
        .find_map(|power| {
            // Whole part and fraction by casts, since `round` and `fract` are calls of the mathematical library on x86-64.
            let scaled = f64::from(narrow) * power;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            // positive, and below 1e12
            let whole = scaled as u64 as f64;
            let fraction = scaled - whole;
            let rounded = if fraction < 0.5 { whole } else { whole + 1.0 };
            let decimal = rounded / power;
            #[allow(clippy::cast_possible_truncation)] // it is compared with what it was narrowed to
            let is_given_back = decimal as f32 == narrow;
            is_given_back.then_some((fraction, decimal))
        })
        .filter(|(fraction, _)| *fraction != 0.5)
        .map(|(_, decimal)| decimal)
}

/// One bar as it is written to the lake, one JSON object a line. Its key is `(symbol, interval, ts)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// The symbol that was requested.
    pub symbol: Symbol,
    /// The company's name in the companies file, else the name that Yahoo gives, else the symbol.
    pub company_name: String,
    /// The session's exchange-local date, which is also the lake's partition.
    pub trade_date: TradeDate,
    /// The bar's start with the exchange's offset, such as `2021-11-30T09:30:00-05:00`.
    #[serde(with = "offset_datetime")]
    pub ts: Zoned,
    /// The first price, in the unit of `currency`, as all four are.
    pub open: Price,
    /// The highest price.
    pub high: Price,
    /// The lowest price.
    pub low: Price,
    /// The last price.
    pub close: Price,
    /// Shares (or units) traded in the bar.
    pub volume: u64,
    /// Yahoo's code: ISO 4217's, or of a minor unit such as `GBp`; `null` where it gives none.
    pub currency: Option<String>,
    /// The length of the bar.
    pub interval: Interval,
    /// When the collection that this bar belongs to began, in UTC; of two bars of one key the last write wins.
    pub collected_at: Timestamp,
    /// The run that collected the bar.
    pub run_id: RunId,
    /// The last price of the symbol's session before, as the market reports it, the same in every bar of a day; `null` where
    /// it reports none.
    #[serde(default)]
    pub previous_close: Option<Price>,
    /// The market that it was collected from; `None` in lines from before it was written, which are Yahoo's.
    #[serde(default)]
    pub source: Option<MarketSource>,
    /// The source's feed, such as `sip`, the consolidated trades of all exchanges of the US; `None` where the source has one only.
    #[serde(default)]
    pub feed: Option<Cow<'static, str>>,
}

/// `2021-11-30T09:30:00-05:00`, for serde's `with`: the exchange's wall clock and its offset, without a zone's name.
pub mod offset_datetime {
    use std::fmt::{self, Display};

    use jiff::{Timestamp, Zoned, tz::Offset};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    const FORMAT: &str = "%Y-%m-%dT%H:%M:%S%:z";

    /// The datetime as text, in the form that [`self`] describes.
    pub fn text(at: &Zoned) -> String {
        display(at.timestamp(), at.offset()).to_string()
    }

    /// An instant on the clock of an offset, in the same form, without its fraction of a second.
    pub fn display(at: Timestamp, offset: Offset) -> impl Display {
        fmt::from_fn(move |f| write!(f, "{:.0}", at.display_with_offset(offset)))
    }

    /// Writes the datetime as [`text`] does.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(at: &Zoned, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&display(at.timestamp(), at.offset()))
    }

    /// Parses what [`text`] writes: an instant in a zone of that fixed offset.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zoned, D::Error> {
        let text = String::deserialize(deserializer)?;
        Zoned::strptime(FORMAT, &text).map_err(|_| {
            D::Error::custom(format!("{text:?} is not a datetime with an offset such as 2021-11-30T09:35:00-05:00"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    #[test]
    fn a_price_is_the_shortest_decimal_of_what_yahoo_holds() {
        for (wire, shown) in [
            (334.790_008_544_921_9, "334.79"),
            (334.180_114_746_093_75, "334.1801"),
            (885.562_683_105_468_8, "885.5627"),
            (1168.7, "1168.7"),
            (892.0, "892"),
            (712_345.67, "712345.67"),
        ] {
            assert_eq!(Price::from_wire(wire).map(|p| p.get().to_string()), Some(shown.to_owned()));
        }
        for wire in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Price::from_wire(wire), None, "{wire}");
        }
    }

    proptest! {
        #[test]
        fn a_price_narrows_back_to_the_same_f32(narrow in 0.0001_f32..1_000_000.0) {
            let price = Price::from_wire(f64::from(narrow)).map(|p| p.get() as f32);
            prop_assert_eq!(price, Some(narrow));
        }

        #[test]
        fn a_price_is_what_the_text_of_the_f32_gives(
            narrow in prop_oneof![0.0001_f32..1_000_000.0, (1_u32..1 << 24, 0..12).prop_map(|(n, halves)| n as f32 / (1 << halves) as f32)],
            cents in 1_u32..100_000_000,
        ) {
            for narrow in [narrow, cents as f32 / 100.0, cents as f32 / 10_000.0, f32::from_bits(narrow.to_bits() + 1)] {
                let text: f64 = narrow.to_string().parse()?;
                prop_assert_eq!(Price::from_wire(f64::from(narrow)).map(Price::get), Some(text));
            }
        }
    }

    #[test]
    fn a_line_of_the_lake_has_the_exchanges_offset_in_winter_and_summer() -> Result<(), Box<dyn std::error::Error>> {
        let zone = TimeZone::get("America/New_York")?;
        for (at, ts) in [
            ("2021-11-30T14:30:00Z", "2021-11-30T09:30:00-05:00"),
            ("2021-07-15T13:30:00Z", "2021-07-15T09:30:00-04:00"),
        ] {
            let price = Price(334.79);
            let bar = Bar {
                symbol: "META".parse()?,
                company_name: "Meta Platforms".into(),
                trade_date: ts[..10].parse()?,
                ts: at.parse::<Timestamp>()?.to_zoned(zone.clone()),
                open: price,
                high: price,
                low: price,
                close: price,
                volume: 3_000_000_000,
                currency: Some("USD".into()),
                interval: Interval::FiveMinutes,
                collected_at: "2021-11-30T22:00:00Z".parse()?,
                run_id: "run-1".parse()?,
                previous_close: Some(Price(333.5)),
                source: Some(MarketSource::YAHOO),
                feed: Some("sip".into()),
            };
            let line = serde_json::to_string(&bar)?;
            let date = &ts[..10];
            assert_eq!(
                line,
                format!(
                    r#"{{"symbol":"META","company_name":"Meta Platforms","trade_date":"{date}","ts":"{ts}","open":334.79,"high":334.79,"low":334.79,"close":334.79,"volume":3000000000,"currency":"USD","interval":"5m","collected_at":"2021-11-30T22:00:00Z","run_id":"run-1","previous_close":333.5,"source":"yahoo","feed":"sip"}}"#
                )
            );
            let back: Bar = serde_json::from_str(&line)?;
            assert_eq!(back.ts.timestamp(), bar.ts.timestamp());
            let older: Bar = serde_json::from_str(&line.replace(r#","source":"yahoo","feed":"sip""#, ""))?;
            assert_eq!((older.source, older.feed), (None, None));
        }
        Ok(())
    }
}
