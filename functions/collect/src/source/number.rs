//! A number on the wire, which may be nothing.

use std::fmt;

use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use shared::Price;

/// A number, or nothing: `null`, `"NaN"` and `"Infinity"` have been seen in every column.
#[derive(Debug, Clone, Copy)]
pub struct Number(pub Option<f64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

/// Takes any value, without building one: a reply has hundreds of numbers.
struct NumberVisitor;

impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
        Ok(Number(Some(number).filter(|number| number.is_finite())))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
        self.visit_f64(number as f64)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
        self.visit_f64(number as f64)
    }

    fn visit_unit<E>(self) -> Result<Number, E> {
        Ok(Number(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Number, E> {
        Ok(Number(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<Number, E> {
        Ok(Number(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Number, A::Error> {
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Number(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Number, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Number(None))
    }
}

/// A column of numbers, with one for each bar; `None` for `null`. For serde's `deserialize_with`.
///
/// # Errors
/// Something else than an array.
pub fn column<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Number>>, D::Error> {
    Ok(Option::<Column>::deserialize(deserializer)?.map(|Column(numbers)| numbers))
}

/// Room for a session of New York in bars of five minutes and the row that Yahoo appends, so that a column rarely has to move.
const USUAL_LENGTH: usize = 80;

struct Column(Vec<Number>);

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ColumnVisitor)
    }
}

struct ColumnVisitor;

impl<'de> Visitor<'de> for ColumnVisitor {
    type Value = Column;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Column, A::Error> {
        let mut numbers = Vec::with_capacity(USUAL_LENGTH);
        while let Some(number) = values.next_element()? {
            numbers.push(number);
        }
        Ok(Column(numbers))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Quote {
        #[serde(default, deserialize_with = "column")]
        open: Option<Vec<Number>>,
    }

    #[test]
    fn a_column_is_an_array_or_nothing() {
        let parse = |json| {
            let quote = serde_json::from_str::<Quote>(json).map_err(|error| error.to_string());
            quote.map(|Quote { open }| open.map(|open| open.iter().map(|Number(number)| *number).collect::<Vec<_>>()))
        };
        assert_eq!(parse("{}"), Ok(None));
        assert_eq!(parse(r#"{"open":null}"#), Ok(None));
        assert_eq!(parse(r#"{"open":[]}"#), Ok(Some(vec![])));
        assert_eq!(
            parse(r#"{"open":[1.5,null,"NaN",-2,{},[3]]}"#),
            Ok(Some(vec![Some(1.5), None, None, Some(-2.0), None, None]))
        );
        let long = format!(r#"{{"open":{:?}}}"#, [7; 3 * USUAL_LENGTH]);
        assert_eq!(parse(&long), Ok(Some(vec![Some(7.0); 3 * USUAL_LENGTH])));
        assert!(parse(r#"{"open":5}"#).is_err_and(|error| error.contains("expected a sequence")));
    }
}
