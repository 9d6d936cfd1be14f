//! Bars as the lines of JSON that they are in the lake: what serde makes of each [`Bar`], but made once for all bars of a
//! symbol where it is the same in them.

use jiff::Zoned;
use serde::Serialize;
use shared::{Bar, Price, bar::offset_datetime};

/// Serializes bars, of which those of a symbol come one after another.
#[derive(Debug, Default)]
pub struct Lines {
    /// A bar that has in common with those before it what is in the lines' beginning and end.
    common: Option<Bar>,
    /// The last line, whose first `head` bytes are the beginning of the next one.
    line: Vec<u8>,
    head: usize,
    /// The end of every line.
    tail: Vec<u8>,
}

/// What differs between the bars of a symbol, in the order in which [`Bar`] has it.
#[derive(Serialize)]
struct Differing<'a> {
    #[serde(with = "offset_datetime")]
    ts: &'a Zoned,
    open: Price,
    high: Price,
    low: Price,
    close: Price,
    volume: u64,
}

/// Where what differs begins and ends in a line. No text within a line holds these: JSON escapes its quotes.
const DIFFERING: (&[u8], &[u8]) = (br#","ts":"#, br#","currency":"#);

impl Lines {
    /// The line of a bar, with the line feed.
    ///
    /// # Errors
    /// Those of `serde_json`.
    pub fn line(&mut self, bar: &Bar) -> serde_json::Result<&[u8]> {
        if !self.common.as_ref().is_some_and(|common| is_alike(common, bar)) {
            self.begin(bar)?;
        }
        self.line.truncate(self.head);
        let Bar { ts, open, high, low, close, volume, .. } = bar;
        let differing = Differing { ts, open: *open, high: *high, low: *low, close: *close, volume: *volume };
        serde_json::to_writer(&mut self.line, &differing)?;
        // The braces around them: the first becomes the comma after what is before, and the last goes.
        self.line[self.head] = b',';
        self.line.pop();
        self.line.extend_from_slice(&self.tail);
        Ok(&self.line)
    }

    /// Takes the beginning and the end of the lines from this bar's.
    fn begin(&mut self, bar: &Bar) -> serde_json::Result<()> {
        let line = serde_json::to_vec(bar)?;
        let find = |part: &[u8]| line.windows(part.len()).position(|at| at == part).unwrap_or_default();
        let (head, tail) = (find(DIFFERING.0), find(DIFFERING.1));
        self.tail = [&line[tail..], b"\n"].concat();
        self.line = line;
        self.head = head;
        self.common = Some(bar.clone());
        Ok(())
    }
}

/// Whether two bars have all in common but what [`Differing`] has. Every field is named, so that a further one is not forgotten.
fn is_alike(one: &Bar, other: &Bar) -> bool {
    let Bar {
        symbol,
        company_name,
        trade_date,
        ts: _,
        open: _,
        high: _,
        low: _,
        close: _,
        volume: _,
        currency,
        interval,
        collected_at,
        run_id,
        previous_close,
        source,
        feed,
    } = one;
    *symbol == other.symbol
        && *company_name == other.company_name
        && *trade_date == other.trade_date
        && *currency == other.currency
        && *interval == other.interval
        && *collected_at == other.collected_at
        && *run_id == other.run_id
        && *previous_close == other.previous_close
        && source.map(|source| source.name) == other.source.map(|source| source.name)
        && *feed == other.feed
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, tz::TimeZone};
    use proptest::prelude::*;
    use shared::{Interval, MarketSource};

    use super::*;

    /// What is the same in all bars of a symbol: each of its names, and the zone, the interval, and what may be missing.
    type Common = (usize, usize, usize, Option<f64>);

    fn bar((name, zone, rest, previous_close): Common, second: i64, price: f64, volume: u64) -> Option<Bar> {
        const NAMES: [&str; 4] = ["Meta", r#"a","ts":"b","currency":"c"#, "\n\u{1}\\", "Société \u{1f600}"];
        const ZONES: [&str; 3] = ["America/New_York", "Asia/Kolkata", "UTC"];
        let ts = Timestamp::from_second(second).ok()?.to_zoned(TimeZone::get(ZONES[zone % 3]).ok()?);
        let price = Price::from_wire(price)?;
        Some(Bar {
            symbol: ["META", "BRK-B"][name % 2].parse().ok()?,
            company_name: NAMES[name % 4].to_owned(),
            trade_date: ts.date().into(),
            ts,
            open: price,
            high: price,
            low: price,
            close: price,
            volume,
            currency: [None, Some("USD".to_owned()), Some("GBp".to_owned())][rest % 3].clone(),
            interval: [Interval::OneMinute, Interval::OneHour][rest % 2],
            collected_at: Timestamp::from_millisecond(1_638_311_400_000 + (rest % 3) as i64).ok()?,
            run_id: ["run-1", "run-2"][rest % 2].parse().ok()?,
            previous_close: previous_close.and_then(Price::from_wire),
            source: [None, Some(MarketSource::YAHOO), Some(MarketSource::ALPACA)][rest % 3],
            feed: [None, Some("sip".into())][rest % 2].clone(),
        })
    }

    proptest! {
        #[test]
        fn a_line_is_what_serde_makes_of_the_bar(
            symbols in prop::collection::vec((0_usize..4, 0_usize..3, 0_usize..6, prop::option::of(0.01..1e6_f64)), 1..6),
            bars in prop::collection::vec((631_152_000_i64..4_102_444_800, 0.01..1e6_f64, 0..u64::MAX), 1..6),
        ) {
            let mut lines = Lines::default();
            for common in symbols {
                for (second, price, volume) in &bars {
                    let Some(bar) = bar(common, *second, *price, *volume) else { continue };
                    let expected = serde_json::to_string(&bar)? + "\n";
                    prop_assert_eq!(String::from_utf8_lossy(lines.line(&bar)?), expected);
                }
            }
        }
    }
}
