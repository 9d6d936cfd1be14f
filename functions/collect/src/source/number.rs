//! A number on the wire, which may be nothing.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use shared::Price;

/// A number, or nothing: `null`, `"NaN"` and `"Infinity"` have been seen in every column.
#[derive(Debug, Clone, Copy)]
pub struct Number(pub Option<f64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Value::deserialize(deserializer)?.as_f64().filter(|number| number.is_finite())))
    }
}

impl Number {
    /// The number as a price; `None` unless it is above zero.
    pub fn price(self) -> Option<Price> {
        self.0.and_then(Price::from_wire)
    }

    /// The number as a count: not negative, and small enough to be exact in a 64-bit float.
    pub fn count(self) -> Option<u64> {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the range is checked first
        self.0.filter(|number| (0.0..EXACT).contains(number) && number.fract() == 0.0).map(|number| number as u64)
    }

    /// The number as seconds since 1970 in UTC.
    pub fn timestamp(self) -> Option<Timestamp> {
        Timestamp::from_second(i64::try_from(self.count()?).ok()?).ok()
    }
}
