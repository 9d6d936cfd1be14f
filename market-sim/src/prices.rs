//! The made-up prices themselves: every day's close, and a random walk of one-minute bars between two closes.
//!
//! Longer bars are aggregated from these minutes and never made up on their own, so they agree with each other.

use jiff::{SignedDuration, civil::Date};
use shared::trading_calendar::{Break, Hours};

use super::{
    bar::{Bar, Price},
    exchange::FIRST_DAY,
    listing::Listing,
    rng::{Rng, exp},
};

/// Longer gaps begin and end on this grid, so that a five-minute bar can be missing and not only a one-minute bar.
const SLOT_MINUTES: usize = 5;

/// One minute of a session, in Yahoo's three encodings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Minute {
    /// Something was traded.
    Traded(Bar),
    /// Nothing was traded: a timestamp with nulls.
    Null,
    /// Nothing was traded: not even a timestamp.
    Absent,
}

impl Minute {
    /// The bar, if something was traded.
    pub fn bar(self) -> Option<Bar> {
        if let Self::Traded(bar) = self { Some(bar) } else { None }
    }
}

/// The closing price of `listing` on a trading day, computed without the days before it.
///
/// It is the usual price moved by value noise in eleven octaves, of 1 to 1,024 days. Each octave is interpolated
/// linearly between random points, with an amplitude of the square root of its length, like the swings of a random walk.
pub fn close(listing: &Listing, date: Date) -> Price {
    let log_move: f64 = (0..=10).map(|octave| noise(listing, octave, day_number(date))).sum();
    Price::in_cents(listing.usual_price * exp(log_move))
}

/// One octave of the noise.
fn noise(listing: &Listing, octave: u32, day: i64) -> f64 {
    let length = 1_i64 << octave;
    let (point, beyond) = (day.div_euclid(length), day.rem_euclid(length) as f64 / length as f64);
    let height = |point: i64| Rng::new(listing.symbol.as_str(), "wave", point * 16 + i64::from(octave)).bell();
    let height = height(point) * (1.0 - beyond) + height(point + 1) * beyond;
    height * 0.008 * (length as f64).sqrt()
}

/// The minutes of one session, first to last; none on a day without trading.
pub fn minutes(listing: &Listing, date: Date) -> Vec<Minute> {
    let Some(hours) = listing.exchange.calendar.hours(date) else { return Vec::new() };
    let count = usize::try_from(hours.length().as_mins()).unwrap_or(0);
    let mut rng = Rng::new(listing.symbol.as_str(), "minutes", day_number(date));
    let path = price_path(listing, date, count, &mut rng);
    let busy = 0.6 + rng.unit(); // some days see three times the trade of others
    let mut minutes: Vec<Minute> = path
        .windows(2)
        .enumerate()
        .filter_map(|(minute, ends)| {
            let &[from, to] = ends else { return None };
            let share = busy * activity(minute, count) * (0.4 + 1.2 * rng.unit()) / 390.0;
            Some(Minute::Traded(bar(from, to, listing.usual_volume * share, &mut rng)))
        })
        .collect();
    leave_gaps(&mut minutes, &mut Rng::new(listing.symbol.as_str(), "gaps", day_number(date)));
    if let Some(lunch) = listing.exchange.calendar.lunch {
        pause_for_lunch(&mut minutes, hours, lunch);
    }
    minutes
}

/// The minutes of one session up to `elapsed` after its open. The last one is unfinished where `elapsed` lies inside it.
pub fn minutes_until(listing: &Listing, date: Date, elapsed: SignedDuration) -> Vec<Minute> {
    let seconds = usize::try_from(elapsed.as_secs()).unwrap_or(0);
    let mut minutes = minutes(listing, date);
    minutes.truncate(seconds.div_ceil(60));
    if let Some(Minute::Traded(bar)) = minutes.get_mut(seconds / 60) {
        *bar = bar.so_far((seconds % 60) as f64 / 60.0);
    }
    minutes
}

/// Nothing is traded at lunch; the timestamps stay.
fn pause_for_lunch(minutes: &mut [Minute], hours: Hours, lunch: Break) {
    let minute = |time| usize::try_from(hours.open.duration_until(time).as_mins()).unwrap_or(0);
    minutes.iter_mut().take(minute(lunch.end)).skip(minute(lunch.start)).for_each(|minute| *minute = Minute::Null);
}

fn day_number(date: Date) -> i64 {
    date.duration_since(FIRST_DAY).as_hours() / 24
}

/// `count + 1` prices from the open to exactly the day's close: a Brownian bridge.
fn price_path(listing: &Listing, date: Date, count: usize, rng: &mut Rng) -> Vec<f64> {
    let close_before =
        listing.exchange.calendar.previous(date).map_or(listing.usual_price, |day| close(listing, day).get());
    let close = close(listing, date).get();
    let open = close_before + (close - close_before) * rng.unit() + close_before * 0.003 * rng.bell();
    let steps = (0..count).map(|minute| 0.0005 * activity(minute, count) * rng.bell());
    let walk: Vec<f64> = std::iter::once(0.0)
        .chain(steps.scan(0.0, |sum, step| {
            *sum += step;
            Some(*sum)
        }))
        .collect();
    let end = walk.last().copied().unwrap_or(0.0);
    let bridged = |(minute, sum): (usize, &f64)| {
        let passed = minute as f64 / count as f64;
        (open + (close - open) * passed) * (1.0 + sum - end * passed)
    };
    walk.iter().enumerate().map(bridged).collect()
}

/// How active a minute is, relative to the average one: the U shape of a trading day, highest at the open, lowest at noon.
fn activity(minute: usize, count: usize) -> f64 {
    let from_noon = 2.0 * minute as f64 / count as f64 - 1.0;
    let at_the_open = if minute == 0 { 2.0 } else { 1.0 };
    at_the_open * (0.5 + 1.5 * from_noon * from_noon)
}

fn bar(from: f64, to: f64, volume: f64, rng: &mut Rng) -> Bar {
    let ticks = if rng.once_in(8) { 10_000.0 } else { 100.0 }; // US trades print sub-penny prices now and then
    let mut wick = || 0.0003 * rng.bell().abs();
    let (above, below) = (1.0 + wick(), 1.0 - wick());
    let (open, close) = (Price::at_tick(from, ticks), Price::at_tick(to, ticks));
    Bar {
        open,
        high: Price::at_tick(from.max(to) * above, ticks).max(open).max(close),
        low: Price::at_tick(from.min(to) * below, ticks).min(open).min(close),
        close,
        volume: volume as u64,
    }
}

/// Removes about one bar in 200, at five minutes as at one. The number of draws is fixed by the session's length,
/// so that at worst 9 % of a session's bars are gone at any interval.
fn leave_gaps(minutes: &mut [Minute], rng: &mut Rng) {
    let slots = minutes.len() / SLOT_MINUTES;
    for _ in 0..slots / 20 {
        let (slot, absent, happens) = (rng.below(slots), rng.once_in(4), rng.once_in(6));
        let gap = if absent { Minute::Absent } else { Minute::Null };
        if let Some(slot) = minutes.chunks_mut(SLOT_MINUTES).nth(slot).filter(|_| happens) {
            slot.fill(gap);
        }
    }
    for _ in 0..minutes.len() / 25 {
        let (minute, happens) = (rng.below(minutes.len()), rng.once_in(8));
        if let Some(minute) = minutes.get_mut(minute).filter(|minute| happens && **minute != Minute::Absent) {
            *minute = Minute::Null;
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{ToSpan, civil::date};

    use super::*;

    fn listing(symbol: &str) -> Result<Listing, String> {
        Listing::find(symbol).ok_or(format!("{symbol} is not listed"))
    }

    #[test]
    fn closes_move_like_a_share_and_stay_near_the_usual_price() -> Result<(), String> {
        for symbol in ["META", "SHOP", "BYND", "SPY"] {
            let listing = listing(symbol)?;
            let closes: Vec<f64> =
                date(1990, 1, 2).series(1.day()).take(40_000).map(|day| close(&listing, day).get()).collect();
            let moves: Vec<f64> = closes.windows(2).map(|pair| (pair[1] / pair[0] - 1.0).abs()).collect();
            let usual = moves.iter().sum::<f64>() / moves.len() as f64;
            assert!((0.005..0.05).contains(&usual), "{symbol} moves by {usual} a day");
            assert!(moves.iter().all(|step| *step < 0.2), "{symbol} jumps");
            assert!(closes.iter().all(|close| (0.1..10.0).contains(&(close / listing.usual_price))), "{symbol} strays");
        }
        Ok(())
    }

    #[test]
    fn a_session_ends_at_its_close_and_trades_most_at_its_ends() -> Result<(), String> {
        let listing = listing("META")?;
        let bars: Vec<Bar> = minutes(&listing, date(2026, 11, 20)).into_iter().filter_map(Minute::bar).collect();
        let volume = |part: &[Bar]| part.iter().map(|bar| bar.volume).sum::<u64>();
        let (first, noon, last) = (volume(&bars[..30]), volume(&bars[180..210]), volume(&bars[bars.len() - 30..]));
        assert!(first > 2 * noon && last > 2 * noon, "{first} {noon} {last}");
        let (last, close) = (bars[bars.len() - 1].close.get(), close(&listing, date(2026, 11, 20)).get());
        assert!((last - close).abs() < 0.0051, "{last} {close}");
        Ok(())
    }

    #[test]
    fn about_one_bar_in_200_is_missing_and_never_one_in_10() -> Result<(), String> {
        let (mut slots, mut missing_slots, mut minutes_missing, mut minutes_all) = (0, 0, 0, 0);
        for symbol in ["META", "SHOP", "BYND"] {
            let listing = listing(symbol)?;
            for day in date(2024, 1, 1).series(1.day()).take(366) {
                let minutes = minutes(&listing, day);
                let missing = minutes.iter().filter(|minute| minute.bar().is_none()).count();
                assert!(missing * 10 <= minutes.len(), "{symbol} {day}: {missing} of {}", minutes.len());
                slots += minutes.len() / SLOT_MINUTES;
                missing_slots +=
                    minutes.chunks(5).filter(|slot| slot.iter().all(|minute| minute.bar().is_none())).count();
                minutes_missing += missing;
                minutes_all += minutes.len();
            }
        }
        assert!((120..280).contains(&(slots / missing_slots)), "one slot in {}", slots / missing_slots);
        assert!(
            (60..160).contains(&(minutes_all / minutes_missing)),
            "one minute in {}",
            minutes_all / minutes_missing
        );
        Ok(())
    }
}
