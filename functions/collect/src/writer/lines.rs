//! Bars as the lines of JSON that they are in the lake: what serde makes of each [`Bar`], but made once for all bars of a
//! symbol where it is the same in them.

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use shared::{Bar, Price, bar::offset_datetime};

use crate::source::Ohlcv;

/// Serializes the bars of one symbol after another.
#[derive(Debug, Default)]
pub struct Lines {
    zone: Option<TimeZone>,
    /// The starts of the bars since the zone began, in their order and as they are written: those of the next symbol are mostly
    /// the same.
    starts: Vec<(Timestamp, String)>,
    /// The place in `starts` of the next bar.
    next: usize,
    /// The last line, whose first `head` bytes are the beginning of the next one.
    line: Vec<u8>,
    head: usize,
    /// The end of every line.
    tail: Vec<u8>,
}

/// What differs between the bars of a symbol, in the order in which [`Bar`] has it.
#[derive(Serialize)]
struct Differing<'a> {
    ts: &'a str,
    open: Price,
    high: Price,
    low: Price,
    close: Price,
    volume: u64,
}

/// Where what differs begins and ends in a line. No text within a line holds these: JSON escapes its quotes.
const DIFFERING: (&[u8], &[u8]) = (br#","ts":"#, br#","currency":"#);

impl Lines {
    /// Begins the lines of a symbol: all have in common with this bar what is not in [`Ohlcv`].
    ///
    /// # Errors
    /// Those of `serde_json`.
    pub fn begin(&mut self, common: &Bar) -> serde_json::Result<()> {
        self.line = serde_json::to_vec(common)?;
        let find = |part: &[u8]| self.line.windows(part.len()).position(|at| at == part).unwrap_or_default();
        let (head, tail) = (find(DIFFERING.0), find(DIFFERING.1));
        self.tail = [&self.line[tail..], b"\n"].concat();
        self.head = head;
        self.next = 0;
        if self.zone.as_ref() != Some(common.ts.time_zone()) {
            self.zone = Some(common.ts.time_zone().clone());
            self.starts.clear();
        }
        Ok(())
    }

    /// The line of a bar, with the line feed.
    ///
    /// # Errors
    /// Those of `serde_json`.
    pub fn line(&mut self, bar: &Ohlcv) -> serde_json::Result<&[u8]> {
        let Ohlcv { start, open, high, low, close, volume } = *bar;
        if self.starts.get(self.next).is_none_or(|(known, _)| *known != start) {
            let offset = self.zone.as_ref().unwrap_or(&TimeZone::UTC).to_offset(start);
            self.starts.truncate(self.next);
            self.starts.push((start, offset_datetime::display(start, offset).to_string()));
        }
        let differing = Differing { ts: &self.starts[self.next].1, open, high, low, close, volume };
        self.next += 1;
        self.line.truncate(self.head);
        serde_json::to_writer(&mut self.line, &differing)?;
        // Of the braces around them the first becomes the comma after what is before, and the last goes.
        self.line[self.head] = b',';
        self.line.pop();
        self.line.extend_from_slice(&self.tail);
        Ok(&self.line)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared::{Interval, MarketSource};

    use super::*;

    /// What is the same in all bars of a symbol: each of its names, the zone, and the rest.
    fn common((name, zone, rest): (usize, usize, usize), previous_close: Option<f64>, bar: Ohlcv) -> Option<Bar> {
        const NAMES: [&str; 4] = ["Meta", r#"a","ts":"b","currency":"c"#, "\n\u{1}\\", "Société \u{1f600}"];
        const ZONES: [&str; 3] = ["America/New_York", "Asia/Kolkata", "UTC"];
        Some(Bar {
            symbol: ["META", "BRK-B"][name % 2].parse().ok()?,
            company_name: NAMES[name].to_owned(),
            trade_date: "2021-11-30".parse().ok()?,
            ts: bar.start.to_zoned(TimeZone::get(ZONES[zone]).ok()?),
            open: bar.open,
            high: bar.high,
            low: bar.low,
            close: bar.close,
            volume: bar.volume,
            currency: [None, Some("USD".to_owned()), Some("GBp".to_owned())][rest % 3].clone(),
            interval: [Interval::OneMinute, Interval::OneHour][rest % 2],
            collected_at: Timestamp::from_millisecond(1_638_311_400_000 + i64::try_from(rest).ok()?).ok()?,
            run_id: ["run-1", "run-2"][rest % 2].parse().ok()?,
            previous_close: previous_close.and_then(Price::from_wire),
            source: [None, Some(MarketSource::YAHOO), Some(MarketSource::ALPACA)][rest % 3],
            feed: [None, Some("sip".into())][rest % 2].clone(),
        })
    }

    proptest! {
        #[test]
        fn a_line_is_what_serde_makes_of_the_bar(
            symbols in prop::collection::vec(
                ((0_usize..4, 0_usize..3, 0_usize..6), prop::option::of(0.01..1e6_f64), prop::collection::vec(0_usize..4, 1..6)),
                1..8,
            ),
            bars in prop::collection::vec((631_152_000_i64..4_102_444_800, [0.01..1e6_f64, 0.01..1e6_f64], 0..u64::MAX), 4),
        ) {
            let ohlcv = |&(second, [one, other], volume): &(i64, [f64; 2], u64)| {
                let (one, other) = (Price::from_wire(one)?, Price::from_wire(other)?);
                let start = Timestamp::from_second(second).ok()?;
                Some(Ohlcv { start, open: one, high: other, low: one, close: other, volume })
            };
            let bars: Vec<_> = bars.iter().filter_map(ohlcv).collect();
            let mut lines = Lines::default();
            // Some begin as the symbol before does, and go on otherwise.
            for (symbol, previous_close, places) in symbols {
                let bar = |bar: &Ohlcv| common(symbol, previous_close, *bar).ok_or_else(|| TestCaseError::fail("no bar"));
                lines.begin(&bar(&bars[places[0]])?)?;
                for ohlcv in places.iter().map(|place| &bars[*place]) {
                    let expected = serde_json::to_string(&bar(ohlcv)?)? + "\n";
                    prop_assert_eq!(String::from_utf8_lossy(lines.line(ohlcv)?), expected);
                }
            }
        }
    }
}
