//! What a demo of the open session has shown.

use jiff::{SignedDuration, Timestamp};

use super::ticks::Tick;
use crate::output::format::pluralize;

/// What is on the board at the end.
#[derive(Debug, Clone)]
pub struct OnBoard {
    pub coins: usize,
    /// The bars, each once.
    pub bars: usize,
    /// Of the bars that have closed [since then](measured_since), how long after its close each was on the stream; the shortest first.
    pub delays: Vec<SignedDuration>,
}

/// From when on the delays of bars say how soon a bar is there: the first tick is at once, and brings what had closed minutes
/// before.
pub fn measured_since(ticks: &[Tick]) -> Timestamp {
    ticks.first().map(|tick| tick.answer.scheduled_time).unwrap_or_default()
}

/// What the ticks brought, and how soon.
pub fn of(ticks: &[Tick], board: &OnBoard) -> String {
    let sent = ticks.iter().map(|tick| tick.answer.bars).sum::<usize>();
    let mut text = format!(
        "{} brought {} of {}",
        pluralize(ticks.len(), "tick"),
        pluralize(board.bars, "bar"),
        pluralize(board.coins, "coin")
    );
    if sent > board.bars {
        let again = pluralize(sent - board.bars, "bar");
        text += &format!(", and {again} again: each comes with three ticks, so that a lost tick leaves no hole");
    }
    let mut in_lake: Vec<_> = ticks.iter().skip(1).filter_map(|tick| tick.row_delay).collect();
    in_lake.sort_unstable();
    if let (Some(record), Some(row)) = (describe(&board.delays), describe(&in_lake)) {
        text += &format!(
            "\na bar was on the stream {record} after its close, and in SQL after {row}: its tick comes a minute after it"
        );
    }
    text
}

/// Why the ticks brought no bars.
pub fn without_bars(ticks: &[Tick]) -> String {
    let failed = ticks.iter().flat_map(|tick| &tick.answer.failed).next_back();
    failed.map_or("nothing has traded".to_owned(), |failed| format!("{}: {}", failed.symbol, failed.detail))
}

/// The median of sorted delays, and of twenty or more their 95th percentile: `61.2 s (19 of 20 within 61.5 s)`.
fn describe(sorted: &[SignedDuration]) -> Option<String> {
    let seconds = |delay: &SignedDuration| format!("{:.1} s", delay.as_secs_f64());
    let median = seconds(sorted.get(sorted.len() / 2)?);
    let within = sorted.get((95 * sorted.len()).div_ceil(100) - 1).filter(|_| sorted.len() >= 20).map(seconds);
    Some(within.map_or_else(|| median.clone(), |within| format!("{median} (19 of 20 within {within})")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(number: i64, row_delay: i64) -> Result<Tick, serde_json::Error> {
        let answer = serde_json::json!({
            "outcome": "collected", "scheduled_time": Timestamp::UNIX_EPOCH + SignedDuration::from_mins(number),
            "until": Timestamp::UNIX_EPOCH, "interval": "1m", "collected_at": Timestamp::UNIX_EPOCH, "trade_dates": [],
            "bars": 30, "records": 1, "requested": 10, "failed": [], "failed_count": 0, "pending": [], "simulated": true,
        });
        Ok(Tick { answer: serde_json::from_value(answer)?, row_delay: Some(SignedDuration::from_secs(row_delay)) })
    }

    #[test]
    fn the_first_tick_does_not_say_how_soon_a_bar_is_there() -> Result<(), serde_json::Error> {
        let ticks = [tick(1, 95)?, tick(2, 63)?, tick(3, 62)?];
        assert_eq!(measured_since(&ticks), Timestamp::UNIX_EPOCH + SignedDuration::from_mins(1));
        let delays = |seconds: &[i64]| seconds.iter().copied().map(SignedDuration::from_secs).collect();
        let all = OnBoard { coins: 10, bars: 50, delays: delays(&[61, 61, 62]) };
        insta::assert_snapshot!(of(&ticks, &all), @r"
        3 ticks brought 50 bars of 10 coins, and 40 bars again: each comes with three ticks, so that a lost tick leaves no hole
        a bar was on the stream 61.0 s after its close, and in SQL after 63.0 s: its tick comes a minute after it
        ");
        let many: Vec<_> = (0..100).map(|delay| SignedDuration::from_secs(60 + delay)).collect();
        assert_eq!(describe(&many).as_deref(), Some("110.0 s (19 of 20 within 154.0 s)"));
        assert_eq!(describe(&many[..20]).as_deref(), Some("70.0 s (19 of 20 within 78.0 s)"));
        assert_eq!(describe(&many[..19]).as_deref(), Some("69.0 s"));
        let first = OnBoard { coins: 10, bars: 30, delays: delays(&[]) };
        insta::assert_snapshot!(of(&ticks[..1], &first), @"1 tick brought 30 bars of 10 coins");
        Ok(())
    }
}
