//! The length of a bar.

use jiff::SignedDuration;
use serde_with::{DeserializeFromStr, SerializeDisplay};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// The length of a bar, in Yahoo's spelling. A bar counts in the hour in which it starts; one of an hour may reach into
/// the next.
///
/// How far back bars of each length can be collected is in [`crate::market_source`].
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
    SerializeDisplay,
    DeserializeFromStr,
)]
#[strum(parse_err_ty = InvalidInterval, parse_err_fn = invalid)]
pub enum Interval {
    /// One minute, `1m`.
    #[strum(serialize = "1m")]
    OneMinute,
    /// Two minutes, `2m`.
    #[strum(serialize = "2m")]
    TwoMinutes,
    /// Five minutes, `5m`; the default.
    #[default]
    #[strum(serialize = "5m")]
    FiveMinutes,
    /// Fifteen minutes, `15m`.
    #[strum(serialize = "15m")]
    FifteenMinutes,
    /// Thirty minutes, `30m`.
    #[strum(serialize = "30m")]
    ThirtyMinutes,
    /// One hour, `1h`. Yahoo takes `60m` for it, too, and answers `1h`.
    #[strum(to_string = "1h", serialize = "60m")]
    OneHour,
}

/// Why a text is not an interval.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an interval: use one of 1m, 2m, 5m, 15m, 30m, 1h")]
pub struct InvalidInterval(String);

fn invalid(text: &str) -> InvalidInterval {
    InvalidInterval(text.to_owned())
}

impl Interval {
    /// All intervals, shortest first.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The interval in Yahoo's spelling, such as `5m`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// How long a bar lasts.
    pub fn duration(self) -> SignedDuration {
        SignedDuration::from_mins(match self {
            Self::OneMinute => 1,
            Self::TwoMinutes => 2,
            Self::FiveMinutes => 5,
            Self::FifteenMinutes => 15,
            Self::ThirtyMinutes => 30,
            Self::OneHour => 60,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_read_back_as_written() {
        for interval in Interval::ALL {
            assert_eq!(interval.to_string().parse(), Ok(*interval));
            assert_eq!(interval.to_string(), interval.as_str());
        }
        assert_eq!("60m".parse(), Ok(Interval::OneHour));
        assert_eq!(Interval::OneHour.to_string(), "1h");
        assert_eq!("90m".parse::<Interval>(), Err(InvalidInterval("90m".to_owned())));
    }
}
