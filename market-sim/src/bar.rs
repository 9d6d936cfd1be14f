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
}
