//! Builds the reply to a chart request: the window's bars, the row that Yahoo appends to them, and the symbol's `meta`.
//!
//! The bars of a finished session never depend on the clock.

use jiff::{SignedDuration, Timestamp};
use shared::Session;

use super::{
    bar::{Bar, Price},
    error_reply::ErrorReply,
    exchange::{Exchange, FIRST_DAY},
    latest_quote::{LatestQuote, close_before},
    listing::Listing,
    prices::{self, Minute},
    request::{ChartRequest, Query, RANGES},
    rng::Rng,
    wire::{Body, Chart, ChartResult, Indicators, Meta, Quote, TradingPeriod, TradingPeriods},
};

/// One entry of the reply's columns: a timestamp, and a bar or five nulls.
struct Row {
    at: Timestamp,
    bar: Option<Bar>,
}

/// The body of the reply to a request for `symbol` at `now`.
///
/// # Errors
/// The error reply, where the request is invalid, the symbol unknown, or `now` before the market's first day.
pub fn respond(symbol: &str, query: &Query, now: Timestamp) -> Result<Body, ErrorReply> {
    ChartRequest::parse(symbol, query, now).and_then(|request| body(&request, now))
}

fn body(request: &ChartRequest, now: Timestamp) -> Result<Body, ErrorReply> {
    let latest = LatestQuote::at(&request.listing, now).ok_or_else(|| {
        ErrorReply::not_simulated(format!("the simulated market opens on {FIRST_DAY}, and it is {now}"))
    })?;
    let sessions = request.listing.exchange.sessions_between(request.start, request.end, now);
    let mut rows: Vec<Row> = sessions.iter().flat_map(|session| bars(request, session, latest.last_trade)).collect();
    if !request.pre_post {
        // The recorded replies with pre- and post-market trading have no such row.
        let newest = sessions.iter().rfind(|session| session.open <= now);
        rows.extend(newest.and_then(|session| appended_row(&request.listing, session, &latest)));
    }
    let timestamp = rows.iter().map(|row| row.at.as_second()).collect();
    let quote = columns(&rows);
    let meta = meta(request, &sessions, &latest);
    Ok(Body {
        chart: Chart {
            result: [ChartResult { meta, timestamp, indicators: Indicators { quote: [quote] } }],
            error: None,
        },
    })
}

/// The bars of one session that start in the window, of what had traded by `last_trade`. The newest of an open session is
/// unfinished: its prices and its volume still grow.
fn bars(request: &ChartRequest, session: &Session, last_trade: Timestamp) -> Vec<Row> {
    let minutes = request.granularity.minutes;
    let length = SignedDuration::from_mins(minutes as i64);
    let starts = std::iter::successors(Some(session.open), |start| Some(*start + length));
    prices::minutes_until(&request.listing, session.trade_date.date(), session.open.duration_until(last_trade))
        .chunks(minutes)
        .zip(starts)
        .filter(|(_, start)| (request.start..request.end).contains(start))
        .filter(|(chunk, _)| chunk.iter().any(|minute| *minute != Minute::Absent))
        .map(|(chunk, at)| Row { at, bar: chunk.iter().copied().filter_map(Minute::bar).reduce(Bar::join) })
        .collect()
}

/// The row that is not a bar. While the session is open, it is the live price. Later it is mostly the close, at exactly
/// the session's end; sometimes the close of the following session, outside the window; sometimes nothing.
/// All four were seen (<https://github.com/gadicc/yahoo-finance2/issues/531>, <https://github.com/ranaroussi/yfinance/issues/1585>).
fn appended_row(listing: &Listing, session: &Session, latest: &LatestQuote) -> Option<Row> {
    let flat = |at, price| Row { at, bar: Some(Bar::flat(price)) };
    if !session.has_ended(latest.now) {
        return latest.live_row().map(|(at, price)| flat(at, price));
    }
    let closing = |session: &Session| flat(session.close, prices::close(listing, session.trade_date.date()));
    let following = listing
        .exchange
        .calendar
        .next(session.trade_date.date())
        .and_then(|date| listing.exchange.calendar.session(date));
    match Rng::new(listing.symbol.as_str(), "appended row", session.open.as_second()).below(16) {
        0 => None,
        1..=4 => Some(closing(following.as_ref().filter(|next| next.has_ended(latest.now)).unwrap_or(session))),
        _ => Some(closing(session)),
    }
}

fn columns(rows: &[Row]) -> Quote {
    let prices = |price: fn(Bar) -> Price| rows.iter().map(|row| row.bar.map(price)).collect();
    Quote {
        open: prices(|bar| bar.open),
        high: prices(|bar| bar.high),
        low: prices(|bar| bar.low),
        close: prices(|bar| bar.close),
        volume: rows.iter().map(|row| row.bar.map(|bar| bar.volume)).collect(),
    }
}

fn meta(request: &ChartRequest, sessions: &[Session], latest: &LatestQuote) -> Meta {
    let (listing, exchange) = (&request.listing, request.listing.exchange);
    let offset = exchange.calendar.zone.to_offset_info(latest.now);
    let today =
        exchange.calendar.session(exchange.calendar.date_of(latest.now)).unwrap_or_else(|| latest.session.clone());
    Meta {
        currency: listing.currency.clone(),
        symbol: listing.symbol.to_string(),
        exchange_name: exchange.name,
        full_exchange_name: exchange.full_name,
        instrument_type: listing.instrument_type,
        first_trade_date: exchange.first_session().map(|session| session.open.as_second()),
        regular_market_time: latest.last_trade.as_second(),
        has_pre_post_market_data: false, // nothing is made up outside the regular hours
        gmtoffset: offset.offset().seconds(),
        timezone: offset.abbreviation().to_owned(),
        exchange_timezone_name: exchange.zone_name,
        regular_market_price: latest.price,
        regular_market_day_high: latest.so_far.high.max(latest.price),
        regular_market_day_low: latest.so_far.low.min(latest.price),
        regular_market_volume: latest.so_far.volume,
        long_name: listing.name(),
        short_name: listing.name(),
        chart_previous_close: close_before_window(request, sessions, latest),
        previous_close: close_before(listing, latest.session.trade_date.date()),
        scale: 3,
        price_hint: 2,
        current_trading_period: TradingPeriod::of(exchange, &today),
        trading_periods: TradingPeriods::new(
            exchange,
            &with_neighbours(exchange, sessions, latest.now),
            request.pre_post,
        ),
        data_granularity: request.granularity.name,
        range: request.range.clone(),
        valid_ranges: RANGES,
    }
}

fn close_before_window(request: &ChartRequest, sessions: &[Session], latest: &LatestQuote) -> Price {
    let exchange = request.listing.exchange;
    let first =
        sessions.first().map_or_else(|| exchange.calendar.date_of(request.start), |session| session.trade_date.date());
    let has_ended = |date| exchange.calendar.session(date).is_some_and(|session| session.has_ended(latest.now));
    let before = exchange.calendar.previous(first).filter(|date| has_ended(*date));
    before.map_or(latest.price, |date| prices::close(&request.listing, date))
}

/// The window's sessions between the one before and, if its day has come, the one after: Yahoo lists more than the window.
fn with_neighbours(exchange: &Exchange, sessions: &[Session], now: Timestamp) -> Vec<Session> {
    let (Some(first), Some(last)) = (sessions.first(), sessions.last()) else { return Vec::new() };
    let before = exchange.calendar.previous(first.trade_date.date()).filter(|date| *date >= FIRST_DAY);
    let after = exchange.calendar.next(last.trade_date.date()).filter(|date| *date <= exchange.calendar.date_of(now));
    let neighbour = |date: Option<_>| date.and_then(|date| exchange.calendar.session(date));
    neighbour(before).into_iter().chain(sessions.iter().cloned()).chain(neighbour(after)).collect()
}
