//! A bar of the simulated market, with prices at Yahoo's precision.

use serde::{Serialize, Serializer};

/// A price as Yahoo sends it: a 32-bit float widened to 64 bits (`334.7900085449219`), or an integer where it is whole (`892`).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Price(f32);

impl Price {
    /// The price nearest to `value` in ticks, of which `ticks` make one unit of currency (100: cents); at least one tick.
    pub fn at_tick(value: f64, ticks: f64) -> Self {
        Self(((value * ticks).round().max(1.0) / ticks) as f32)
    }

    /// The price nearest to `value` in whole cents.
    pub fn in_cents(value: f64) -> Self {
        Self::at_tick(value, 100.0)
    }

    pub fn max(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }

    pub fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    pub fn get(self) -> f64 {
        f64::from(self.0)
    }
}

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 {
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.get())
        }
    }
}

/// What was traded between two instants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    pub open: Price,
    pub high: Price,
    pub low: Price,
    pub close: Price,
    /// The number of units traded.
    pub volume: u64,
}

impl Bar {
    /// A single price without volume: the form of the row that Yahoo appends to its bars.
    pub fn flat(price: Price) -> Self {
        Self { open: price, high: price, low: price, close: price, volume: 0 }
    }

    /// This bar and the one after it, as one bar.
    pub fn join(self, next: Self) -> Self {
        Self {
            open: self.open,
            high: self.high.max(next.high),
            low: self.low.min(next.low),
            close: next.close,
            volume: self.volume + next.volume,
        }
    }

    /// What had traded of this bar after `share` of its time, from 0 to 1. The price moves from the open to the close by way
    /// of the low and the high, a bar that falls by way of the high first.
    pub fn so_far(self, share: f64) -> Self {
        let (first, second) = if self.close < self.open { (self.high, self.low) } else { (self.low, self.high) };
        let turns = [self.open, first, second, self.close];
        let passed = share * (turns.len() - 1) as f64;
        let leg = (passed as usize).min(turns.len() - 2);
        let (from, to) = (turns[leg], turns[leg + 1]);
        let price = from.get() + (to.get() - from.get()) * (passed - leg as f64);
        let close = Price::at_tick(price, 10_000.0).max(self.low).min(self.high);
        let seen = &turns[..=leg];
        Self {
            open: self.open,
            high: seen.iter().copied().fold(close, Price::max),
            low: seen.iter().copied().fold(close, Price::min),
            close,
            volume: (self.volume as f64 * share) as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_written_as_yahoo_writes_them() -> Result<(), serde_json::Error> {
        for (value, ticks, json) in [
            (334.79, 100.0, "334.7900085449219"),
            (334.1801, 10_000.0, "334.18011474609375"),
            (892.001, 100.0, "892"),
            (0.0001, 100.0, "0.009999999776482582"),
        ] {
            assert_eq!(serde_json::to_string(&Price::at_tick(value, ticks))?, json);
        }
        Ok(())
    }

    #[test]
    fn an_unfinished_bar_grows_into_the_whole_one() {
        let price = Price::in_cents;
        let bar = |prices: [f64; 4], volume| {
            let [open, high, low, close] = prices.map(price);
            Bar { open, high, low, close, volume }
        };
        let (rising, falling) = (bar([10.0, 13.0, 9.0, 12.0], 600), bar([12.0, 13.0, 9.0, 10.0], 600));
        for (whole, share, expected) in [
            (rising, 0.0, Bar::flat(price(10.0))),
            (rising, 1.0 / 6.0, bar([10.0, 10.0, 9.5, 9.5], 100)),
            (rising, 0.5, bar([10.0, 11.0, 9.0, 11.0], 300)),
            (rising, 1.0, rising),
            (falling, 1.0 / 6.0, bar([12.0, 12.5, 12.0, 12.5], 100)),
            (falling, 0.5, bar([12.0, 13.0, 11.0, 11.0], 300)),
            (falling, 1.0, falling),
        ] {
            assert_eq!(whole.so_far(share), expected, "{share}");
        }
    }
}
