//! The options of `live`.

#[cfg(feature = "live")]
mod instant;

use std::{num::NonZeroU64, time::Duration};

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use shared::SymbolList;

use super::{ParseError, TargetArgs, symbols};

#[derive(Debug, Args)]
pub struct LiveArgs {
    /// From when on: now, with the last half hour; open, of New York's newest session; an instant; or how long ago, such as 90m
    #[arg(long, value_name = "START", default_value = "now", value_parser = start)]
    pub from: Start,
    /// Only these symbols, separated by commas
    #[arg(long, value_name = "A,B", value_parser = symbols)]
    pub symbols: Option<SymbolList>,
    /// End after this time, such as 10m
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    pub duration: Option<Duration>,
    /// End after this number of bars
    #[arg(long, value_name = "N", value_parser = number)]
    pub bars: Option<u64>,
    #[command(flatten)]
    pub target: TargetArgs,
}

/// From when on records are read, by the time at which they arrived on the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With those of the last half hour.
    Now,
    /// From the open of New York's newest session that has begun.
    Open,
    /// From this instant.
    At(Timestamp),
    /// From this long ago.
    Ago(SignedDuration),
}

fn start(text: &str) -> Result<Start, ParseError> {
    match text {
        "now" => return Ok(Start::Now),
        "open" => return Ok(Start::Open),
        _ => {}
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return if instant > Timestamp::now() {
            Err(format!("{text} lies in the future: use now for what is still to come").into())
        } else {
            Ok(Start::At(instant))
        };
    }
    let duration = text.parse().ok().filter(|duration: &SignedDuration| !duration.is_negative());
    duration.map(Start::Ago).ok_or_else(|| {
        format!(
            "{text:?} is not a start: use now, open, an instant with its offset, such as 2026-11-20T09:30:00-05:00, or how \
             long ago, in h, m or s, such as 90m"
        )
        .into()
    })
}

fn time(text: &str) -> Result<Duration, ParseError> {
    let duration = text.parse().ok().filter(SignedDuration::is_positive);
    let duration = duration.and_then(|duration| Duration::try_from(duration).ok());
    duration.ok_or_else(|| {
        format!("{text:?} is not a length of time: use a number and h, m or s, such as 10m or 24h").into()
    })
}

fn number(text: &str) -> Result<u64, ParseError> {
    let number = text.parse().map(NonZeroU64::get);
    number.map_err(|_| format!("{text:?} is not a number of bars: use 1 or more").into())
}
