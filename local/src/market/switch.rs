//! Switches: which symbol is to misbehave, how, and for how long.

use std::{fmt, str::FromStr, time::Duration};

use shared::{Symbol, symbol::InvalidSymbol};

use super::misbehaviour::{InvalidMisbehaviour, Misbehaviour};

/// An order to misbehave, written `META=null-rows`, `META=not-found:3` or `*=too-many-requests:90s`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// The symbol that misbehaves; `None`, written `*`, means every symbol.
    pub symbol: Option<Symbol>,
    /// What it does.
    pub kind: Misbehaviour,
    /// For how long.
    pub lasting: Lasting,
}

/// How long a symbol misbehaves from when it is told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// Until it is told otherwise.
    Always,
    /// For so many requests, counted for each symbol on its own; written `:3`.
    Times(u32),
    /// For so long, in whole seconds; written `:90s`.
    For(Duration),
}

impl Lasting {
    /// Whether it holds for a request after so many requests and so much time.
    pub fn holds(self, requests: u32, passed: Duration) -> bool {
        match self {
            Self::Always => true,
            Self::Times(times) => requests < times,
            Self::For(duration) => passed < duration,
        }
    }

    /// What is meant where nothing is said.
    fn usual(kind: Misbehaviour) -> Self {
        if kind == Misbehaviour::ShortAtFirst { Self::Times(1) } else { Self::Always }
    }

    fn parse(text: &str) -> Option<Self> {
        let count = |digits: &str| digits.parse::<u32>().ok().filter(|count| *count > 0);
        match text.strip_suffix('s') {
            Some(seconds) => count(seconds).map(|seconds| Self::For(Duration::from_secs(seconds.into()))),
            None => count(text).map(Self::Times),
        }
    }
}

/// Why a text is not a switch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSwitch {
    /// There is no `=`.
    #[error("{0:?} is not a switch: use SYMBOL=KIND, with * for every symbol, for example META=not-found")]
    NoKind(String),
    /// What comes before the last `=` is neither a symbol nor `*`.
    #[error(transparent)]
    Symbol(#[from] InvalidSymbol),
    /// There is no such kind.
    #[error(transparent)]
    Kind(#[from] InvalidMisbehaviour),
    /// What comes after the colon is neither a count nor a time.
    #[error("{0:?} is no duration: use a count of requests such as 3, or seconds such as 90s")]
    Lasting(String),
}

impl FromStr for Switch {
    type Err = InvalidSwitch;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The last one: symbols may contain it, kinds may not.
        let (symbol, order) = text.rsplit_once('=').ok_or_else(|| InvalidSwitch::NoKind(text.to_owned()))?;
        let symbol = if symbol == "*" { None } else { Some(symbol.parse()?) };
        let (kind, lasting) = order.split_once(':').map_or((order, None), |(kind, lasting)| (kind, Some(lasting)));
        let kind = kind.parse()?;
        let lasting = match lasting {
            Some(text) => Lasting::parse(text).ok_or_else(|| InvalidSwitch::Lasting(text.to_owned()))?,
            None => Lasting::usual(kind),
        };
        Ok(Self { symbol, kind, lasting })
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let symbol = self.symbol.as_ref().map_or("*", Symbol::as_str);
        write!(f, "{symbol}={}{}", self.kind, self.lasting)
    }
}

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => Ok(()),
            Self::Times(times) => write!(f, ":{times}"),
            Self::For(duration) => write!(f, ":{}s", duration.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_read_and_written() -> Result<(), Box<dyn std::error::Error>> {
        use Lasting::{Always, For, Times};
        for (text, symbol, kind, lasting) in [
            ("META=null-rows", Some("META"), Misbehaviour::NullRows, Always),
            ("META=not-found:3", Some("META"), Misbehaviour::NotFound, Times(3)),
            ("*=too-many-requests", None, Misbehaviour::TooManyRequests, Always),
            ("*=too-many-requests:90s", None, Misbehaviour::TooManyRequests, For(Duration::from_secs(90))),
            ("EURUSD=X=reset", Some("EURUSD=X"), Misbehaviour::Reset, Always),
            ("7203.T=short-at-first:2", Some("7203.T"), Misbehaviour::ShortAtFirst, Times(2)),
        ] {
            let switch: Switch = text.parse()?;
            assert_eq!(switch, Switch { symbol: symbol.map(str::parse).transpose()?, kind, lasting });
            assert_eq!(switch.to_string(), text);
        }
        assert_eq!("shop=short-at-first".parse::<Switch>()?.to_string(), "SHOP=short-at-first:1");
        Ok(())
    }

    #[test]
    fn every_kind_is_known_by_its_name() {
        for kind in Misbehaviour::ALL {
            assert_eq!(kind.to_string().parse(), Ok(*kind));
        }
    }

    #[test]
    fn what_is_not_a_switch_says_what_would_be() {
        for (text, says) in [
            ("META", "\"META\" is not a switch: use SYMBOL=KIND"),
            ("", "\"\" is not a switch"),
            ("=reset", "\"\" is not a symbol: use"),
            ("A/B=reset", "\"A/B\" is not a symbol: use"),
            ("META=", "\"\" is no misbehaviour: use one of null-rows, partial-rows, "),
            ("META=html", "\"html\" is no misbehaviour: use one of null-rows, partial-rows, "),
            ("META=reset:", "\"\" is no duration: use a count"),
            ("META=reset:0", "\"0\" is no duration: use a count"),
            ("META=reset:-1", "\"-1\" is no duration: use a count"),
            ("META=reset:0s", "\"0s\" is no duration: use a count"),
            ("META=reset:5m", "\"5m\" is no duration: use a count"),
            ("META=reset:1:2", "\"1:2\" is no duration: use a count"),
        ] {
            let said = text.parse::<Switch>().err().map(|error| error.to_string()).unwrap_or_default();
            assert!(said.starts_with(says), "{text}: {said}");
        }
        let all = "x=y".parse::<Switch>().err().map(|error| error.to_string()).unwrap_or_default();
        assert!(Misbehaviour::ALL.iter().all(|kind| all.contains(kind.name())), "{all}");
    }

    #[test]
    fn a_switch_lasts_as_long_as_it_says() {
        let seconds = Duration::from_secs;
        for (lasting, requests, passed, holds) in [
            (Lasting::Always, 1_000_000, seconds(1_000_000), true),
            (Lasting::Times(3), 2, seconds(1_000_000), true),
            (Lasting::Times(3), 3, seconds(0), false),
            (Lasting::For(seconds(90)), 1_000_000, seconds(89), true),
            (Lasting::For(seconds(90)), 0, seconds(90), false),
        ] {
            assert_eq!(lasting.holds(requests, passed), holds, "{lasting:?} {requests} {passed:?}");
        }
    }
}
