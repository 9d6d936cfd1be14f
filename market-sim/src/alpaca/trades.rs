//! What was traded of one symbol: the minutes of a day, and longer bars that are joined from them.

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};
use shared::Session;

use super::extended_hours;
use crate::{
    bar::{Bar as Prices, Price},
    listing::Listing,
    prices,
};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
/// A minute's bar is there a second after the minute (<https://alpaca.markets/learn/stock-minute-bars>).
const PUBLISHED_AFTER: SignedDuration = SignedDuration::from_secs(61);

/// The trades of one bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trades {
    prices: Prices,
    /// How many trades there were.
    count: u64,
    /// Price by volume, summed over the trades.
    turnover: f64,
}

impl Trades {
    fn new(prices: Prices) -> Self {
        let middle = [prices.open, prices.high, prices.low, prices.close].map(Price::get).iter().sum::<f64>() / 4.0;
        Self { prices, count: 1 + prices.volume / 150, turnover: middle * prices.volume as f64 }
    }

    /// These trades and those after them.
    pub fn join(self, next: Self) -> Self {
        Self {
            prices: self.prices.join(next.prices),
            count: self.count + next.count,
            turnover: self.turnover + next.turnover,
        }
    }
}

/// A bar as Alpaca sends it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bar {
    /// The bar's start.
    pub t: Timestamp,
    pub o: Decimal,
    pub h: Decimal,
    pub l: Decimal,
    pub c: Decimal,
    /// The number of shares.
    pub v: u64,
    /// The number of trades.
    pub n: u64,
    /// The volume-weighted price, to six decimals.
    pub vw: f64,
}

impl Bar {
    /// The bar that starts at `t`.
    pub fn new(t: Timestamp, trades: Trades) -> Self {
        let Trades { prices, count, turnover } = trades;
        let average = if prices.volume == 0 { prices.close.get() } else { turnover / prices.volume as f64 };
        Self {
            t,
            o: Decimal(prices.open.get()),
            h: Decimal(prices.high.get()),
            l: Decimal(prices.low.get()),
            c: Decimal(prices.close.get()),
            v: prices.volume,
            n: count,
            vw: (average * 1e6).round() / 1e6,
        }
    }
}

/// A price as it was traded, such as `334.79` or `892`: the shortest decimal of the number that Yahoo's side sends.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Decimal(pub f64);

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 {
            serializer.serialize_i64(self.0 as i64)
        } else {
            // Of two decimals that are as short and as near, that which the project takes from the float: a serializer may take
            // the other one.
            let shortest = shared::Price::from_wire(f64::from(self.0 as f32)).map_or(self.0, shared::Price::get);
            serializer.serialize_f64(shortest)
        }
    }
}

/// The minutes of a session's day in which something was traded, extended hours included, as far as they are published at `now`.
pub fn minutes(listing: &Listing, session: &Session, now: Timestamp) -> Vec<(Timestamp, Trades)> {
    let regular: Vec<(i64, Prices)> = (0..)
        .zip(prices::minutes(listing, session.trade_date.date()))
        .filter_map(|(minute, traded)| Some((minute, traded.bar()?)))
        .collect();
    let volume: u64 = regular.iter().map(|(_, bar)| bar.volume).sum();
    let open = regular.first().map_or_else(|| prices::close(listing, session.trade_date.date()), |(_, bar)| bar.open);
    let parts = [
        (session.open - listing.exchange.pre_market, extended_hours::pre_market(listing, session, open)),
        (session.open, regular),
        (session.close, extended_hours::post_market(listing, session, volume)),
    ];
    let minutes = parts.into_iter().flat_map(|(start, bars)| {
        bars.into_iter().map(move |(minute, bar)| (start + SignedDuration::from_mins(minute), Trades::new(bar)))
    });
    minutes.filter(|(at, _)| *at + PUBLISHED_AFTER <= now).collect()
}

/// The minutes of one day, which begins at `midnight`, joined to bars of a number of minutes that are counted from midnight.
pub fn joined(midnight: Timestamp, minutes: &[(Timestamp, Trades)], length: i64) -> Vec<Bar> {
    let slot = |at: Timestamp| midnight.duration_until(at).as_mins() / length;
    let of_a_bar = minutes.chunk_by(|(one, _), (next, _)| slot(*one) == slot(*next));
    let bar = |chunk: &[(Timestamp, Trades)]| {
        let (at, _) = chunk.first()?;
        let trades = chunk.iter().map(|(_, trades)| *trades).reduce(Trades::join)?;
        let start = i32::try_from(slot(*at) * length).ok()?;
        Some(Bar::new(midnight + MINUTE * start, trades))
    };
    of_a_bar.filter_map(bar).collect()
}
