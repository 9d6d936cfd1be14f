//! The JSON of a tick of the open session: what `statemachine/live.asl.json` passes to `collect`, and the answer.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{FailedSymbol, scheduled_time};
use crate::{Interval, ListName, MarketSource, Symbol, SymbolList, TradeDate};

/// The request of a tick: the input of an execution of the machine `live`, which passes it to `collect`. Every field but
/// `live` may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveRequest {
    /// Always `true`; it distinguishes this request from the others.
    pub live: bool,
    /// The instant for which the schedule planned the tick, in UTC, so that a late one collects the same bars; now without it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "scheduled_time")]
    pub scheduled_time: Option<Timestamp>,
    /// The instant by which a bar must have closed, in UTC: the scheduled time without it. A tick that waited for the market
    /// collects what has closed meanwhile, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The list of companies to collect; without it, and without symbols, the one of the name `companies`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<ListName>,
    /// The symbols to collect, in place of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbols: Option<SymbolList>,
    /// The length of a bar; five minutes without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// The source of the bars; without it the function's own (`SOURCE`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<MarketSource>,
    /// Those of the symbols that are still to be requested, as the answer before gave them; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<SymbolList>,
}

/// The bars that a tick collects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveWindow {
    /// Bars that closed at this instant or before it are left to earlier ticks.
    pub from: Timestamp,
    /// No bar is collected that closes later than this.
    pub until: Timestamp,
}

impl LiveWindow {
    /// The number of the newest bars that a tick collects. Each bar is thus collected by as many ticks: one that is lost, late
    /// or refused leaves no hole, and a correction is seen while it can be.
    pub const BARS: i32 = 3;

    /// How long after its close a bar is taken to be unfinished still: the last trades are reported a few seconds late.
    pub const GRACE: SignedDuration = SignedDuration::from_secs(30);

    /// The window of a tick that was planned for `scheduled_time` and collects what has closed by `until`.
    pub fn new(scheduled_time: Timestamp, until: Timestamp, interval: Interval) -> Self {
        let before = |at: Timestamp, by: SignedDuration| at.checked_sub(by).unwrap_or(Timestamp::MIN);
        let from = before(scheduled_time, Self::GRACE + interval.duration() * Self::BARS);
        Self { from, until: before(until, Self::GRACE) }
    }

    /// An instant in the newest bar that had closed by the scheduled time: its session is the one that the tick collects, also where
    /// it waited until the next day.
    pub fn newest(self, interval: Interval) -> Timestamp {
        self.from + interval.duration() * (Self::BARS - 1)
    }
}

/// How a tick ended, unless it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveOutcome {
    /// Every symbol was requested.
    Collected,
    /// The exchange of the reference symbol has no session in the window: a holiday, or after a half day's close.
    Closed,
    /// The market blocks this client, and some symbols are still to be requested.
    Blocked,
    /// The market is down, and some symbols are still to be requested.
    Unavailable,
    /// The time of the invocation ran out before every symbol was requested.
    OutOfTime,
}

/// What `collect` answers to a [`LiveRequest`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveTick {
    /// Whether symbols are still to be requested, and when.
    pub outcome: LiveOutcome,
    /// The instant for which the tick was planned, in UTC.
    pub scheduled_time: Timestamp,
    /// The instant by which bars must have closed, less [`LiveWindow::GRACE`], in UTC.
    pub until: Timestamp,
    /// The length of the bars.
    pub interval: Interval,
    /// When the collection began, in UTC, to the millisecond.
    pub collected_at: Timestamp,
    /// The sessions of the bars that were written, each a partition of the lake: none where no bar had closed, and more than
    /// one where symbols trade in several time zones.
    pub trade_dates: Vec<TradeDate>,
    /// The number of bars that the stream accepted.
    pub bars: usize,
    /// The number of Kinesis records they were packed into.
    pub records: usize,
    /// The number of symbols of the tick.
    pub requested: usize,
    /// The first [`LiveTick::MAX_FAILED`] symbols that have no bars for a reason of their own, other than a closed exchange.
    pub failed: Vec<FailedSymbol>,
    /// The number of all of them.
    pub failed_count: usize,
    /// The first [`LiveTick::MAX_PENDING`] symbols still to be requested, where the outcome is that the market does not answer or
    /// that the time ran out. What a longer list lacks beside them is left to the daily run.
    pub pending: Vec<Symbol>,
    /// The number of all of them.
    #[serde(default)]
    pub pending_count: usize,
    /// Whether a reply said that its prices are simulated.
    pub simulated: bool,
}

impl LiveTick {
    /// The most failed symbols that an answer lists.
    pub const MAX_FAILED: usize = 20;

    /// The most symbols still to be requested that an answer lists: a quarter of what Step Functions passes between states.
    pub const MAX_PENDING: usize = 2_000;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bar_is_in_the_windows_of_three_ticks() -> Result<(), Box<dyn std::error::Error>> {
        let interval = Interval::FiveMinutes;
        let close: Timestamp = "2026-11-20T15:00:00Z".parse()?;
        let ticks = (-3..8).filter_map(|n| {
            let tick: Timestamp = "2026-11-20T15:01:00Z".parse().ok()?;
            let tick = tick + interval.duration() * n;
            let window = LiveWindow::new(tick, tick, interval);
            (window.from < close && close <= window.until).then_some(n)
        });
        assert_eq!(ticks.collect::<Vec<_>>(), [0, 1, 2]);
        Ok(())
    }

    #[test]
    fn a_tick_collects_the_session_of_the_bar_that_closed_before_it() -> Result<(), Box<dyn std::error::Error>> {
        // Of what trades around the clock the bar before midnight closes on the next day.
        for (tick, newest) in
            [("2026-11-20T00:01:00Z", "2026-11-19T23:55:30Z"), ("2026-11-20T00:06:00Z", "2026-11-20T00:00:30Z")]
        {
            let tick: Timestamp = tick.parse()?;
            let window = LiveWindow::new(tick, tick + SignedDuration::from_hours(9), Interval::FiveMinutes);
            assert_eq!(window.newest(Interval::FiveMinutes), newest.parse()?);
        }
        Ok(())
    }

    #[test]
    fn a_bar_is_unfinished_for_half_a_minute_after_its_close() -> Result<(), Box<dyn std::error::Error>> {
        let close: Timestamp = "2026-11-20T15:00:00Z".parse()?;
        for (seconds, is_in_window) in [(0, false), (29, false), (30, true), (60, true)] {
            let at = close + SignedDuration::from_secs(seconds);
            assert_eq!(close <= LiveWindow::new(at, at, Interval::FiveMinutes).until, is_in_window, "{seconds} s");
        }
        Ok(())
    }

    #[test]
    fn the_earliest_instant_has_a_window() {
        let window = LiveWindow::new(Timestamp::MIN, Timestamp::MIN, Interval::OneHour);
        assert_eq!((window.from, window.until), (Timestamp::MIN, Timestamp::MIN));
    }
}
