//! The latest quote of a symbol at the time of a request: the newest session, the last price and the day's figures.

use jiff::{SignedDuration, Timestamp, civil::Date};
use shared::Session;

use super::{
    bar::{Bar, Price},
    listing::Listing,
    prices::{self, Minute},
    rng::Rng,
};

/// The quote of one symbol at one time.
#[derive(Debug)]
pub struct LatestQuote {
    /// The time of the request.
    pub now: Timestamp,
    /// The newest session that has opened.
    pub session: Session,
    /// When the last trade was: seconds ago in an open session, else seconds after the close.
    pub last_trade: Timestamp,
    /// The price of that trade.
    pub price: Price,
    /// What has traded of the session, as one bar.
    pub so_far: Bar,
}

impl LatestQuote {
    /// The quote of `listing` at `now`; `None` before the market's first day.
    pub fn at(listing: &Listing, now: Timestamp) -> Option<Self> {
        let session = listing.exchange.latest_session(now)?;
        let date = session.trade_date.date();
        let last_trade = last_trade(listing, &session, now);
        let minutes = prices::minutes_until(listing, date, session.open.duration_until(last_trade));
        let traded = minutes.into_iter().filter_map(Minute::bar).reduce(Bar::join);
        let so_far = traded.unwrap_or_else(|| Bar::flat(close_before(listing, date)));
        let price = if session.has_ended(now) { prices::close(listing, date) } else { so_far.close };
        Some(Self { now, session, last_trade, price, so_far })
    }

    /// The row that Yahoo appends while a session is open: the last price, with a timestamp off the bars' grid.
    pub fn live_row(&self) -> Option<(Timestamp, Price)> {
        let is_live = !self.session.has_ended(self.now) && self.last_trade > self.session.open;
        is_live.then_some((self.last_trade, self.price))
    }
}

/// The close of the trading day before `date`.
pub fn close_before(listing: &Listing, date: Date) -> Price {
    prices::close(listing, listing.exchange.calendar.previous(date).unwrap_or(date))
}

fn last_trade(listing: &Listing, session: &Session, now: Timestamp) -> Timestamp {
    if session.has_ended(now) {
        // The closing auction prints 1 to 7 seconds after the close.
        let seconds = 1 + Rng::new(listing.symbol.as_str(), "auction", session.open.as_second()).below(7) as i64;
        return (session.close + SignedDuration::from_secs(seconds)).min(now);
    }
    let recent = now.as_second() - 3;
    let off_the_grid = if recent % 60 == 0 { recent - 1 } else { recent };
    Timestamp::from_second(off_the_grid).unwrap_or(now).max(session.open)
}
