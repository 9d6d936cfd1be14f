//! What trades before the open and after the close, which Yahoo's side does not have: few minutes, and the closing auction.

use shared::Session;

use crate::{
    bar::{Bar, Price},
    listing::Listing,
    prices,
    rng::Rng,
};

/// In how many minutes one has a trade, on average.
const ONE_TRADED_IN: usize = 3;
/// The auction's share of the session's volume. SPY's of 2026-09-24 was a fifth of the day's.
const AUCTION_SHARE: f64 = 0.25;

/// The traded minutes from the start of pre-market trading to the open, by their number.
pub fn pre_market(listing: &Listing, session: &Session, open: Price) -> Vec<(i64, Bar)> {
    let day = session.trade_date.date();
    let close_before = listing.exchange.calendar.previous(day).map_or(open, |day| prices::close(listing, day));
    let minutes = listing.exchange.pre_market.as_mins();
    sparse(listing, minutes, (close_before, open), &mut rng(listing, "pre-market", session))
}

/// The traded minutes from the close to the end of post-market trading, by their number. The closing auction prints
/// seconds after the close and so is the minute 0; `volume` is the session's.
pub fn post_market(listing: &Listing, session: &Session, volume: u64) -> Vec<(i64, Bar)> {
    let close = prices::close(listing, session.trade_date.date());
    let minutes = listing.exchange.post_market.as_mins();
    let auction = Bar { volume: (volume as f64 * AUCTION_SHARE) as u64, ..Bar::flat(close) };
    let later = sparse(listing, minutes, (close, close), &mut rng(listing, "post-market", session));
    std::iter::once((0, auction)).chain(later.into_iter().filter(|(minute, _)| *minute > 0)).collect()
}

fn rng(listing: &Listing, purpose: &str, session: &Session) -> Rng {
    Rng::new(listing.symbol.as_str(), purpose, session.open.as_second())
}

/// The traded ones of `minutes` minutes in which the price goes from one to the other, with swings of a hundredth.
fn sparse(listing: &Listing, minutes: i64, (from, to): (Price, Price), rng: &mut Rng) -> Vec<(i64, Bar)> {
    let mut traded = Vec::new();
    for minute in 0..minutes {
        let passed = minute as f64 / minutes as f64;
        let between = from.get() + (to.get() - from.get()) * passed;
        let [open, close] = [(); 2].map(|()| Price::in_cents(between * (1.0 + 0.005 * rng.bell())));
        let (happens, share) = (rng.once_in(ONE_TRADED_IN), rng.unit());
        if happens {
            let volume = 1 + (listing.usual_volume * share / 20_000.0) as u64;
            traded.push((minute, Bar { open, high: open.max(close), low: open.min(close), close, volume }));
        }
    }
    traded
}
