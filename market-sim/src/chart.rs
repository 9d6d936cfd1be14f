//! Puts an answer together: the window's bars, the row that Yahoo appends to them, and the facts about the symbol.
//!
//! The bars of a finished session never depend on the clock.

use jiff::{SignedDuration, Timestamp};
use shared::Session;

use super::{
    bar::{Bar, Price},
    clock::{MarketClock, close_before},
    error_reply::ErrorReply,
    exchange::{Exchange, FIRST_DAY},
    listing::Listing,
    prices::{self, Minute},
    request::{ChartRequest, Query, RANGES, Step},
    rng::Rng,
    wire::{Answer, Body, Chart, Indicators, Meta, Quote, TradingPeriod, TradingPeriods},
};

/// One entry of the answer's columns: a stamp, and a bar or five nulls.
struct Row {
    at: Timestamp,
    bar: Option<Bar>,
}

/// What is answered when `symbol` is asked for at `now`.
///
/// # Errors
/// The answers without bars.
pub fn ask(symbol: &str, query: &Query, now: Timestamp) -> Result<Body, ErrorReply> {
    ChartRequest::parse(symbol, query, now).and_then(|request| answer(&request, now))
}

/// The answer to `request` at `now`.
///
/// # Errors
/// Where the clock stands before the market's first day, so that there is nothing to tell.
fn answer(request: &ChartRequest, now: Timestamp) -> Result<Body, ErrorReply> {
    let moment = MarketClock::at(&request.listing, now).ok_or_else(|| {
        ErrorReply::not_simulated(format!("the simulated market opens on {FIRST_DAY}, and it is {now}"))
    })?;
    let sessions = request.listing.exchange.between(request.start, request.end, now);
    let mut rows: Vec<Row> = sessions.iter().flat_map(|session| bars(request, session, now)).collect();
    if !request.pre_post {
        // The recorded answers with pre- and post-market trading have no such row.
        let newest = sessions.iter().rfind(|session| session.open <= now);
        rows.extend(newest.and_then(|session| appended_row(&request.listing, session, &moment)));
    }
    let timestamp = rows.iter().map(|row| row.at.as_second()).collect();
    let quote = columns(&rows);
    let meta = meta(request, &sessions, &moment);
    Ok(Body {
        chart: Chart { result: [Answer { meta, timestamp, indicators: Indicators { quote: [quote] } }], error: None },
    })
}

/// The finished bars of one session that start in the window.
fn bars(request: &ChartRequest, session: &Session, now: Timestamp) -> Vec<Row> {
    let Step { minutes, .. } = request.step;
    let length = SignedDuration::from_mins(minutes as i64);
    let starts = std::iter::successors(Some(session.open), |start| Some(*start + length));
    prices::minutes(&request.listing, session.trade_date.date())
        .chunks(minutes)
        .zip(starts)
        .filter(|(_, start)| {
            (request.start..request.end).contains(start) && (*start + length).min(session.close) <= now
        })
        .filter(|(chunk, _)| chunk.iter().any(|minute| *minute != Minute::Absent))
        .map(|(chunk, at)| Row { at, bar: chunk.iter().copied().filter_map(Minute::bar).reduce(Bar::join) })
        .collect()
}

/// The row that is not a bar. In a session that is going on it is the live price. After it, it is mostly the close, at
/// exactly the session's end; sometimes the close of the following session, outside the window; sometimes nothing.
/// All four were seen (<https://github.com/gadicc/yahoo-finance2/issues/531>, <https://github.com/ranaroussi/yfinance/issues/1585>).
fn appended_row(listing: &Listing, session: &Session, moment: &MarketClock) -> Option<Row> {
    let flat = |at, price| Row { at, bar: Some(Bar::flat(price)) };
    if !session.has_ended(moment.now) {
        return moment.live_row().map(|(at, price)| flat(at, price));
    }
    let closing = |session: &Session| flat(session.close, prices::close(listing, session.trade_date.date()));
    let following = listing
        .exchange
        .calendar
        .next(session.trade_date.date())
        .and_then(|date| listing.exchange.calendar.session(date));
    match Rng::new(listing.symbol.as_str(), "appended row", session.open.as_second()).below(16) {
        0 => None,
        1..=4 => Some(closing(following.as_ref().filter(|next| next.has_ended(moment.now)).unwrap_or(session))),
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

fn meta(request: &ChartRequest, sessions: &[Session], moment: &MarketClock) -> Meta {
    let (listing, exchange) = (&request.listing, request.listing.exchange);
    let offset = exchange.calendar.zone.to_offset_info(moment.now);
    let today =
        exchange.calendar.session(exchange.calendar.date_of(moment.now)).unwrap_or_else(|| moment.session.clone());
    Meta {
        currency: exchange.currency,
        symbol: listing.symbol.to_string(),
        exchange_name: exchange.name,
        full_exchange_name: exchange.full_name,
        instrument_type: listing.instrument_type,
        first_trade_date: exchange.first().map(|session| session.open.as_second()),
        regular_market_time: moment.last_trade.as_second(),
        has_pre_post_market_data: false, // nothing is made up outside the regular hours
        gmtoffset: offset.offset().seconds(),
        timezone: offset.abbreviation().to_owned(),
        exchange_timezone_name: exchange.zone_name,
        regular_market_price: moment.price,
        regular_market_day_high: moment.so_far.high.max(moment.price),
        regular_market_day_low: moment.so_far.low.min(moment.price),
        regular_market_volume: moment.so_far.volume,
        long_name: listing.name(),
        short_name: listing.name(),
        chart_previous_close: close_before_window(request, sessions, moment),
        previous_close: close_before(listing, moment.session.trade_date.date()),
        scale: 3,
        price_hint: 2,
        current_trading_period: TradingPeriod::of(exchange, &today),
        trading_periods: TradingPeriods::new(
            exchange,
            &with_neighbours(exchange, sessions, moment.now),
            request.pre_post,
        ),
        data_granularity: request.step.granularity,
        range: request.range.clone(),
        valid_ranges: RANGES,
    }
}

fn close_before_window(request: &ChartRequest, sessions: &[Session], moment: &MarketClock) -> Price {
    let exchange = request.listing.exchange;
    let first =
        sessions.first().map_or_else(|| exchange.calendar.date_of(request.start), |session| session.trade_date.date());
    let has_ended = |date| exchange.calendar.session(date).is_some_and(|session| session.has_ended(moment.now));
    let before = exchange.calendar.previous(first).filter(|date| has_ended(*date));
    before.map_or(moment.price, |date| prices::close(&request.listing, date))
}

/// The window's sessions between the one before and, if its day has come, the one after: Yahoo lists more than was asked for.
fn with_neighbours(exchange: &Exchange, sessions: &[Session], now: Timestamp) -> Vec<Session> {
    let (Some(first), Some(last)) = (sessions.first(), sessions.last()) else { return Vec::new() };
    let before = exchange.calendar.previous(first.trade_date.date()).filter(|date| *date >= FIRST_DAY);
    let after = exchange.calendar.next(last.trade_date.date()).filter(|date| *date <= exchange.calendar.date_of(now));
    let neighbour = |date: Option<_>| date.and_then(|date| exchange.calendar.session(date));
    neighbour(before).into_iter().chain(sessions.iter().cloned()).chain(neighbour(after)).collect()
}
