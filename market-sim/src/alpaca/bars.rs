//! The bars of a request, page by page.
//!
//! A page ends after `limit` bars of all symbols together, so that a symbol may go on with the next page.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan, civil::Date};
use serde::Serialize;

use super::{
    faults::Faults,
    page_token::PageToken,
    query::BarsQuery,
    symbol,
    trades::{self, Bar},
};
use crate::listing::Listing;

/// Alpaca's first day (<https://docs.alpaca.markets/docs/about-market-data-api>): before it there are no bars.
const FIRST_DAY: Date = jiff::civil::date(2016, 1, 4);

/// The body of a reply, in all forms that were seen.
#[derive(Debug, Serialize)]
pub struct Body {
    pub bars: Option<BTreeMap<String, Option<Vec<Bar>>>>,
    pub next_page_token: Option<String>,
}

/// A symbol's bars on one page.
#[derive(Debug)]
pub struct SymbolBars {
    pub name: String,
    pub bars: Option<Vec<Bar>>,
}

/// The bars of one reply.
#[derive(Debug)]
pub struct Page {
    /// By symbol, and then by time. Symbols without bars are left out.
    pub bars: BTreeMap<String, Vec<Bar>>,
    /// The token of the next page; `None` for the last, whatever its length.
    pub next_page_token: Option<String>,
}

/// The body of the reply to a request that arrives at `now`, with its faults.
pub fn body(mut query: BarsQuery, faults: &Faults, now: Timestamp) -> Body {
    query.symbols.retain(|symbol| faults.untraded(symbol).is_none());
    query.limit = faults.page_size().map_or(query.limit, |size| size.min(query.limit));
    let Page { bars, next_page_token } = page(&query, now);
    let changed = bars.into_iter().map(|(name, bars)| {
        let change = faults.on_symbol(&name);
        let mut symbol = SymbolBars { name, bars: Some(bars) };
        if let Some(change) = change {
            change(&mut symbol, now);
        }
        (symbol.name, symbol.bars)
    });
    let bars = changed.filter(|(_, bars)| bars.as_ref().is_none_or(|bars| !bars.is_empty())).collect();
    let mut body = Body { bars: Some(bars), next_page_token };
    faults.paged().for_each(|change| change(&mut body, &query));
    body
}

/// The page of a request that arrives at `now`.
pub fn page(query: &BarsQuery, now: Timestamp) -> Page {
    let first = query.page_token.as_ref();
    let symbols = query.symbols.iter().filter(|symbol| first.is_none_or(|first| first.symbol <= **symbol));
    let all = symbols.flat_map(|symbol| {
        let from = first.filter(|first| first.symbol == *symbol).map(|first| first.at);
        let before =
            move |bar: &Bar| from.is_some_and(|from| if query.descending { bar.t > from } else { bar.t < from });
        bars(symbol, query, now).into_iter().skip_while(before).map(move |bar| (symbol, bar))
    });
    let mut page = Page { bars: BTreeMap::new(), next_page_token: None };
    for (number, (symbol, bar)) in all.enumerate() {
        if number == query.limit {
            page.next_page_token = Some(PageToken { symbol: symbol.clone(), at: bar.t }.encode());
            break;
        }
        page.bars.entry(symbol.clone()).or_default().push(bar);
    }
    page
}

/// All bars of one symbol, in the order of the request; none of an unknown symbol.
fn bars(symbol: &str, query: &BarsQuery, now: Timestamp) -> Vec<Bar> {
    let Some(listing) = symbol::listing(symbol) else { return Vec::new() };
    let calendar = listing.exchange.calendar;
    let (start, end) = (calendar.date_of(*query.window.start()), calendar.date_of((*query.window.end()).min(now)));
    let days = start.max(FIRST_DAY).series(1.day()).take_while(|day| *day <= end);
    let mut bars: Vec<Bar> = days.flat_map(|day| of_a_day(&listing, day, query.length, now)).collect();
    bars.retain(|bar| query.window.contains(&bar.t));
    if query.descending {
        bars.reverse();
    }
    bars
}

fn of_a_day(listing: &Listing, day: Date, length: i64, now: Timestamp) -> Vec<Bar> {
    let calendar = listing.exchange.calendar;
    let midnight = day.to_zoned(calendar.zone.clone()).map(|midnight| midnight.timestamp());
    let session = calendar.session(day).zip(midnight.ok());
    session.map_or_else(Vec::new, |(session, midnight)| {
        trades::joined(midnight, &trades::minutes(listing, &session, now), length)
    })
}
