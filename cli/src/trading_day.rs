//! Which days trade, as far as that is known before the market is queried: New York's calendar for symbols that
//! trade there, nothing for others.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, civil::Weekday, tz::TimeZone};
use serde::Deserialize;
use shared::{Interval, Session, Symbol, TradeDate, trading_calendar::NEW_YORK};

/// What the calendar says of a date.
#[derive(Debug, Clone, PartialEq)]
pub enum TradingDay {
    /// The exchange trades, in this session.
    Open(Session),
    /// The exchange does not trade: a weekend or a holiday.
    Closed,
    /// The symbols trade on an exchange whose calendar this program does not have.
    Unknown,
}

/// The length of a full session in New York; a shorter one closes early.
const FULL_SESSION: SignedDuration = SignedDuration::from_mins(6 * 60 + 30);

impl TradingDay {
    /// What the calendar says of `date`, if it is that of all `symbols`.
    pub fn of(date: TradeDate, symbols: &[Symbol]) -> Self {
        if symbols.iter().all(trades_in_new_york) { Self::new_york(date) } else { Self::Unknown }
    }

    /// What New York's calendar says of `date`.
    pub fn new_york(date: TradeDate) -> Self {
        NEW_YORK.session(date.date()).map_or(Self::Closed, Self::Open)
    }

    /// `full`, `half`, `closed`, or `-` where that is not known.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Open(session) if session.open.duration_until(session.close) < FULL_SESSION => "half",
            Self::Open(_) => "full",
            Self::Closed => "closed",
            Self::Unknown => "-",
        }
    }

    /// Whether bars of `date` must be there: the session is over. Where no calendar says, every weekday that is over counts,
    /// and for coins every day.
    pub fn has_traded(&self, date: TradeDate, symbols: &[Symbol], now: Timestamp) -> bool {
        match self {
            Self::Open(session) => session.has_ended(now),
            Self::Closed => false,
            Self::Unknown => {
                let is_over = date.date() < now.to_zoned(TimeZone::UTC).date();
                is_over && symbols.iter().any(|symbol| may_trade(symbol, date))
            }
        }
    }

    /// The bars of one symbol by exchange-local hour when none is missing, where that is known.
    pub fn expected_by_hour(&self, interval: Interval) -> Option<BarsByHour> {
        match self {
            Self::Open(session) => Some(session.starts(interval).fold(BarsByHour::default(), |mut bars, start| {
                bars.add(start.to_zoned(session.zone.clone()).hour(), 1);
                bars
            })),
            Self::Closed => Some(BarsByHour::default()),
            Self::Unknown => None,
        }
    }

    /// The number of bars of one symbol when none is missing, where that is known.
    pub fn expected_bars(&self, interval: Interval) -> Option<usize> {
        self.expected_by_hour(interval).map(|bars| bars.sum())
    }
}

/// The number of bars in each exchange-local hour of a day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct BarsByHour(BTreeMap<i8, usize>);

impl BarsByHour {
    pub fn add(&mut self, hour: i8, bars: usize) {
        *self.0.entry(hour).or_default() += bars;
    }

    pub fn sum(&self) -> usize {
        self.0.values().sum()
    }

    /// How many of the `expected` bars are there: those of one hour do not make up for those that another lacks, as bars
    /// after the close do not for a hole before it.
    pub fn within(&self, expected: &Self) -> usize {
        expected.0.iter().map(|(hour, bars)| *bars.min(self.0.get(hour).unwrap_or(&0))).sum()
    }
}

impl TryFrom<String> for BarsByHour {
    type Error = String;

    /// The column of `sql/coverage.sql`: `09 6,10 12`.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let hour = |part: &str| {
            let (hour, bars) = part.split_once(' ')?;
            Some((hour.parse().ok()?, bars.parse().ok()?))
        };
        let hours = text.split(',').filter(|part| !part.is_empty()).map(hour).collect::<Option<_>>();
        hours.map(Self).ok_or_else(|| format!("{text:?} does not give the bars of each hour, as in \"09 6,10 12\""))
    }
}

/// Whether a date is a Saturday or a Sunday, on which few exchanges trade.
pub fn is_weekend(date: TradeDate) -> bool {
    matches!(date.date().weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// Whether an exchange is expected to trade the symbol on a date, where no calendar is known: coins on every day, anything
/// else on weekdays.
pub fn may_trade(symbol: &Symbol, date: TradeDate) -> bool {
    is_coin(symbol) || !is_weekend(date)
}

/// Whether a symbol is a coin's by its form, `BTC-USD`: a code of a currency of three letters behind a dash.
fn is_coin(symbol: &Symbol) -> bool {
    let currency = symbol.as_str().split_once('-').map(|(_, currency)| currency);
    currency.is_some_and(|currency| currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

/// Whether a symbol is New York's (or Nasdaq's) by its form: letters, with a share class or none, such as `BRK-B` or
/// `BRK.B`. Everything else names another exchange (`7203.T`), an index (`^GSPC`), a currency (`EURUSD=X`) or a
/// coin (`BTC-USD`). In doubt it is not New York's: a day too many is run, and none is missed.
pub fn trades_in_new_york(symbol: &Symbol) -> bool {
    let letters = |text: &str| (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    match symbol.as_str().split_once(['.', '-']) {
        None => letters(symbol.as_str()),
        // One letter behind a dot is a market, too (.L London, .T Tokyo); these are share classes only.
        Some((base, class)) if symbol.as_str().contains('.') => letters(base) && matches!(class, "A" | "B" | "C"),
        Some((base, class)) => letters(base) && letters(class) && class.len() <= 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn days(dates: &[&str], symbol: &str) -> Result<Vec<TradingDay>, Box<dyn std::error::Error>> {
        let symbols = ["META".parse()?, symbol.parse()?];
        dates.iter().map(|date| Ok(TradingDay::of(date.parse()?, &symbols))).collect()
    }

    const THANKSGIVING_WEEK: [&str; 5] = ["2025-11-26", "2025-11-27", "2025-11-28", "2025-11-29", "2025-12-01"];

    #[test]
    fn new_yorks_calendar_applies_to_its_own_symbols() -> Outcome {
        let days = days(&THANKSGIVING_WEEK, "BRK-B")?;
        assert_eq!(
            days.iter().map(TradingDay::label).collect::<Vec<_>>(),
            ["full", "closed", "half", "closed", "full"]
        );
        let expected: Vec<_> = days.iter().map(|day| day.expected_bars(Interval::FiveMinutes)).collect();
        assert_eq!(expected, [Some(78), Some(0), Some(42), Some(0), Some(78)]);
        Ok(())
    }

    #[test]
    fn nothing_is_known_of_another_exchange() -> Outcome {
        let days = days(&THANKSGIVING_WEEK, "7203.T")?;
        assert!(days.iter().all(|day| *day == TradingDay::Unknown && day.label() == "-"));
        assert!(days.iter().all(|day| day.expected_bars(Interval::FiveMinutes).is_none()));
        Ok(())
    }

    #[test]
    fn a_symbol_is_new_yorks_by_its_form() -> Outcome {
        for symbol in ["META", "F", "BRK-B", "BRK.B", "BF.A", "BAC-PL", "GOOGL"] {
            assert!(trades_in_new_york(&symbol.parse()?), "{symbol}");
        }
        for symbol in ["7203.T", "VOD.L", "SHOP.TO", "^GSPC", "EURUSD=X", "BTC-USD", "M&M.NS", "ES=F", "0700", "BMW.DE"]
        {
            assert!(!trades_in_new_york(&symbol.parse()?), "{symbol}");
        }
        Ok(())
    }

    #[test]
    fn bars_of_one_hour_do_not_make_up_for_those_of_another() -> Outcome {
        let by_hour = |text: &str| BarsByHour::try_from(text.to_owned());
        let day = TradingDay::of("2025-11-28".parse()?, &["META".parse()?]);
        let expected = day.expected_by_hour(Interval::FiveMinutes).ok_or("no calendar")?;
        assert_eq!((expected.sum(), expected.clone()), (42, by_hour("09 6,10 12,11 12,12 12")?));
        for (held, of_expected) in [
            ("09 6,10 12,11 12,12 12", 42),
            ("09 6,10 12,11 12,12 12,13 3", 42),
            ("09 6,10 12,11 12,12 11,13 1", 41),
            ("13 60", 0),
            ("", 0),
        ] {
            assert_eq!(by_hour(held)?.within(&expected), of_expected, "{held}");
        }
        for text in ["9", "09 6,", "09 6 7", "09-6"] {
            assert_eq!(by_hour(text).is_ok(), text == "09 6,", "{text}");
        }
        Ok(())
    }

    #[test]
    fn coins_trade_every_day() -> Outcome {
        for (symbol, on_saturday) in [
            ("BTC-USD", true),
            ("ETH-EUR", true),
            ("EURUSD=X", false),
            ("ES=F", false),
            ("7203.T", false),
            ("BRK-B", false),
            ("BAC-PL", false),
            ("DX-Y.NYB", false),
        ] {
            let (friday, saturday) = ("2025-11-28".parse()?, "2025-11-29".parse()?);
            let symbol = symbol.parse()?;
            assert_eq!((may_trade(&symbol, friday), may_trade(&symbol, saturday)), (true, on_saturday), "{symbol}");
        }
        Ok(())
    }

    #[test]
    fn saturdays_and_sundays_are_weekends() -> Outcome {
        let weekend: Result<Vec<_>, _> = THANKSGIVING_WEEK.iter().map(|date| date.parse().map(is_weekend)).collect();
        assert_eq!(weekend?, [false, false, false, true, false]);
        Ok(())
    }
}
