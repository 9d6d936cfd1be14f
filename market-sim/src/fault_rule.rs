//! Fault rules: which fault the market injects for which symbol, and for how long.

use std::{fmt, str::FromStr, time::Duration};

use shared::{Symbol, symbol::InvalidSymbol};

use super::fault::{Fault, InvalidFault};

/// A rule that injects a fault, written `META=null-rows`, `META=not-found:3`, `*=too-many-requests:90s` or `*=forbidden:200..`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    /// The symbol whose replies get the fault; `None`, written `*`, means every symbol.
    pub symbol: Option<Symbol>,
    /// The fault that is injected.
    pub fault: Fault,
    /// When the rule is in force, counted from when it is set.
    pub duration: FaultDuration,
}

/// When a fault rule is in force, counted from when it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultDuration {
    /// Until the rule is cleared or replaced.
    Always,
    /// For a number of requests, counted for each symbol on its own; written `:3`.
    Times(u32),
    /// From the request on that comes after a number of others, counted likewise; written `:3..`.
    After(u32),
    /// For a time in whole seconds; written `:90s`.
    For(Duration),
}

impl FaultDuration {
    /// Whether the rule is in force for a request that comes after `requests` others and `passed` time.
    pub fn is_in_force(self, requests: u32, passed: Duration) -> bool {
        match self {
            Self::Always => true,
            Self::Times(times) => requests < times,
            Self::After(others) => requests >= others,
            Self::For(duration) => passed < duration,
        }
    }

    /// The duration of a rule that states none.
    fn default_of(fault: Fault) -> Self {
        if fault == Fault::ShortAtFirst { Self::Times(1) } else { Self::Always }
    }

    fn parse(text: &str) -> Option<Self> {
        let count = |digits: &str| digits.parse::<u32>().ok().filter(|count| *count > 0);
        if let Some(seconds) = text.strip_suffix('s') {
            count(seconds).map(|seconds| Self::For(Duration::from_secs(seconds.into())))
        } else if let Some(others) = text.strip_suffix("..") {
            count(others).map(Self::After)
        } else {
            count(text).map(Self::Times)
        }
    }
}

/// The text is not a fault rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFaultRule {
    /// There is no `=`.
    #[error("{0:?} is not a fault rule: use SYMBOL=FAULT, with * for every symbol, for example META=not-found")]
    NoFault(String),
    /// The part before the last `=` is neither a symbol nor `*`.
    #[error(transparent)]
    Symbol(#[from] InvalidSymbol),
    /// The part after the last `=` does not name a fault.
    #[error(transparent)]
    Fault(#[from] InvalidFault),
    /// The part after the colon is neither a count, with or without dots, nor a number of seconds.
    #[error(
        "{0:?} is not a duration: use a count of requests such as 3, those after them such as 3.., or seconds such as 90s"
    )]
    Duration(String),
}

impl FromStr for FaultRule {
    type Err = InvalidFaultRule;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The last `=`: a symbol may contain one, a fault may not.
        let (symbol, rest) = text.rsplit_once('=').ok_or_else(|| InvalidFaultRule::NoFault(text.to_owned()))?;
        let symbol = if symbol == "*" { None } else { Some(symbol.parse()?) };
        let (fault, duration) = rest.split_once(':').map_or((rest, None), |(fault, text)| (fault, Some(text)));
        let fault = fault.parse()?;
        let duration = match duration {
            Some(text) => FaultDuration::parse(text).ok_or_else(|| InvalidFaultRule::Duration(text.to_owned()))?,
            None => FaultDuration::default_of(fault),
        };
        Ok(Self { symbol, fault, duration })
    }
}

impl fmt::Display for FaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let symbol = self.symbol.as_ref().map_or("*", Symbol::as_str);
        write!(f, "{symbol}={}{}", self.fault, self.duration)
    }
}

impl fmt::Display for FaultDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => Ok(()),
            Self::Times(times) => write!(f, ":{times}"),
            Self::After(others) => write!(f, ":{others}.."),
            Self::For(duration) => write!(f, ":{}s", duration.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_rule_is_parsed_and_displayed() -> Result<(), Box<dyn std::error::Error>> {
        use FaultDuration::{After, Always, For, Times};
        for (text, symbol, fault, duration) in [
            ("META=null-rows", Some("META"), Fault::NullRows, Always),
            ("META=not-found:3", Some("META"), Fault::NotFound, Times(3)),
            ("*=too-many-requests", None, Fault::TooManyRequests, Always),
            ("*=too-many-requests:90s", None, Fault::TooManyRequests, For(Duration::from_secs(90))),
            ("*=forbidden:200..", None, Fault::Forbidden, After(200)),
            ("EURUSD=X=reset", Some("EURUSD=X"), Fault::Reset, Always),
            ("7203.T=short-at-first:2", Some("7203.T"), Fault::ShortAtFirst, Times(2)),
        ] {
            let rule: FaultRule = text.parse()?;
            assert_eq!(rule, FaultRule { symbol: symbol.map(str::parse).transpose()?, fault, duration });
            assert_eq!(rule.to_string(), text);
        }
        assert_eq!("shop=short-at-first".parse::<FaultRule>()?.to_string(), "SHOP=short-at-first:1");
        Ok(())
    }

    #[test]
    fn every_fault_is_known_by_its_name() {
        for fault in Fault::ALL {
            assert_eq!(fault.to_string().parse(), Ok(*fault));
        }
    }

    #[test]
    fn the_error_of_an_invalid_rule_says_what_is_valid() {
        for (text, expected) in [
            ("META", "\"META\" is not a fault rule: use SYMBOL=FAULT"),
            ("", "\"\" is not a fault rule"),
            ("=reset", "\"\" is not a symbol: use"),
            ("A/B=reset", "\"A/B\" is not a symbol: use"),
            ("META=", "\"\" is not a fault: use one of null-rows, partial-rows, "),
            ("META=html", "\"html\" is not a fault: use one of null-rows, partial-rows, "),
            ("META=reset:", "\"\" is not a duration: use a count"),
            ("META=reset:0", "\"0\" is not a duration: use a count"),
            ("META=reset:-1", "\"-1\" is not a duration: use a count"),
            ("META=reset:0s", "\"0s\" is not a duration: use a count"),
            ("META=reset:5m", "\"5m\" is not a duration: use a count"),
            ("META=reset:..", "\"..\" is not a duration: use a count"),
            ("META=reset:0..", "\"0..\" is not a duration: use a count"),
            ("META=reset:1:2", "\"1:2\" is not a duration: use a count"),
        ] {
            let message = text.parse::<FaultRule>().err().map(|error| error.to_string()).unwrap_or_default();
            assert!(message.starts_with(expected), "{text}: {message}");
        }
        let all = "x=y".parse::<FaultRule>().err().map(|error| error.to_string()).unwrap_or_default();
        assert!(Fault::ALL.iter().all(|fault| all.contains(fault.name())), "{all}");
    }

    #[test]
    fn a_fault_rule_is_in_force_as_long_as_it_says() {
        let seconds = Duration::from_secs;
        for (duration, requests, passed, in_force) in [
            (FaultDuration::Always, 1_000_000, seconds(1_000_000), true),
            (FaultDuration::Times(3), 2, seconds(1_000_000), true),
            (FaultDuration::Times(3), 3, seconds(0), false),
            (FaultDuration::After(3), 2, seconds(1_000_000), false),
            (FaultDuration::After(3), 3, seconds(0), true),
            (FaultDuration::For(seconds(90)), 1_000_000, seconds(89), true),
            (FaultDuration::For(seconds(90)), 0, seconds(90), false),
        ] {
            assert_eq!(duration.is_in_force(requests, passed), in_force, "{duration:?} {requests} {passed:?}");
        }
    }
}
