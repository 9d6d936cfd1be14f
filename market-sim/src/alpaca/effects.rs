//! The effects of single faults.

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::{
    bars::{Body, SymbolBars},
    error_reply::ErrorReply,
    page_token::PageToken,
    query::BarsQuery,
    trades::{Bar, Decimal},
};
use crate::exchanges::NEW_YORK;

/// The number of invalid requests, which older replies have.
const UNPROCESSABLE: u32 = 42_210_000;

pub fn forbidden() -> ErrorReply {
    ErrorReply::forbidden()
}

pub fn unauthorized() -> ErrorReply {
    ErrorReply::unauthorized()
}

pub fn unexpected_parameter() -> ErrorReply {
    ErrorReply::bad_request("unexpected query parameter(s): feed")
}

pub fn unprocessable() -> ErrorReply {
    ErrorReply { code: Some(UNPROCESSABLE), ..ErrorReply::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid timeframe") }
}

pub fn internal_error() -> ErrorReply {
    ErrorReply::new(StatusCode::INTERNAL_SERVER_ERROR, "internal server error occurred")
}

pub fn invalid_symbol(symbol: &str) -> ErrorReply {
    ErrorReply::invalid_symbol(symbol)
}

pub fn invalid_symbol_prefixed(symbol: &str) -> ErrorReply {
    ErrorReply::bad_request(format!("code=400, message=invalid symbol: {symbol}"))
}

pub fn too_recent(_: &str) -> ErrorReply {
    ErrorReply::too_recent()
}

pub fn too_recent_code(_: &str) -> ErrorReply {
    ErrorReply { code: Some(UNPROCESSABLE), ..ErrorReply::too_recent() }
}

pub fn crossed_prices(symbol: &mut SymbolBars, _: Timestamp) {
    let hour = |bar: &Bar| bar.t.as_second().div_euclid(60 * 60);
    bars(symbol).filter(|bar| hour(bar) % 2 == 0).for_each(|bar| bar.o = Decimal(bar.h.0 + 1.0));
}

pub fn other_symbol(symbol: &mut SymbolBars, _: Timestamp) {
    symbol.name = "OTHER".to_owned();
}

pub fn null_symbol(symbol: &mut SymbolBars, _: Timestamp) {
    symbol.bars = None;
}

pub fn missing_symbol(symbol: &mut SymbolBars, _: Timestamp) {
    symbol.bars = Some(Vec::new());
}

pub fn lost_minutes(symbol: &mut SymbolBars, _: Timestamp) {
    symbol.bars.iter_mut().for_each(|bars| bars.retain(starts_an_hour));
}

pub fn corrected_overnight(symbol: &mut SymbolBars, now: Timestamp) {
    let today = NEW_YORK.calendar.date_of(now);
    let is_of_today = |bar: &&mut Bar| NEW_YORK.calendar.date_of(bar.t) == today;
    bars(symbol).filter(|bar| starts_an_hour(bar)).filter(is_of_today).for_each(|bar| bar.l.0 *= 0.96);
}

pub fn foreign_symbol(body: &mut Body, _: &BarsQuery) {
    let bars = body.bars.iter().flatten().next().and_then(|(_, bars)| bars.clone());
    body.bars.iter_mut().for_each(|symbols| symbols.extend([("OTHER".to_owned(), bars.clone())]));
}

pub fn null_bars(body: &mut Body, _: &BarsQuery) {
    *body = Body { bars: None, next_page_token: None };
}

pub fn empty_first_page(body: &mut Body, query: &BarsQuery) {
    if let (None, Some(first)) = (&query.page_token, first(body)) {
        *body = Body { bars: Some(Default::default()), next_page_token: Some(first.encode()) };
    }
}

pub fn repeated_token(body: &mut Body, query: &BarsQuery) {
    let own = query.page_token.clone().or_else(|| first(body));
    body.next_page_token = own.map(|token| token.encode());
}

fn bars(symbol: &mut SymbolBars) -> impl Iterator<Item = &mut Bar> {
    symbol.bars.iter_mut().flatten()
}

fn starts_an_hour(bar: &Bar) -> bool {
    bar.t.as_second() % SignedDuration::from_hours(1).as_secs() == 0
}

/// The token of the page itself.
fn first(body: &Body) -> Option<PageToken> {
    let (symbol, bars) = body.bars.as_ref()?.first_key_value()?;
    Some(PageToken { symbol: symbol.clone(), at: bars.as_ref()?.first()?.t })
}
