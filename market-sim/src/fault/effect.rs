//! How a fault changes or replaces a reply.

use jiff::Timestamp;
use serde_json::Value;
use shared::MarketSource;

use super::{
    Fault,
    reply_rows::{self, Table},
};
use crate::{
    alpaca, chart,
    error_reply::ErrorReply,
    reply::{Page, Reply},
    request, wire,
};

/// What a fault does to a reply.
#[derive(Debug, Clone, Copy)]
pub enum Effect {
    /// Changes or replaces a reply of Yahoo's side.
    Yahoo(YahooEffect),
    /// Changes or replaces a reply of Alpaca's side.
    Alpaca(alpaca::Effect),
    /// Sends a fixed page, whatever the source and the request.
    Page(Page),
    /// Truncates the reply or closes its connection, whatever the source.
    Delivery(fn(Reply) -> Reply),
}

/// What a fault does to a reply of Yahoo's side.
#[derive(Debug, Clone, Copy)]
pub enum YahooEffect {
    /// Changes the rows of a reply with bars.
    Rows(fn(&mut Table)),
    /// Changes the JSON of a reply with bars.
    Body(fn(&mut Value)),
    /// Changes the JSON of a reply with bars, by the time of the request.
    Clock(fn(&mut Value, Timestamp)),
    /// Changes the query before it is processed.
    Query(fn(request::Query) -> request::Query),
    /// Sends an error in Yahoo's envelope.
    Error(fn(&request::Query) -> ErrorReply),
    /// Sends a page of Yahoo's, whatever the request.
    Fixed(Page),
}

impl Effect {
    /// Whether replies of `source` can have it.
    pub fn is_of(self, source: MarketSource) -> bool {
        match self {
            Self::Yahoo(_) => source == MarketSource::YAHOO,
            Self::Alpaca(_) => source == MarketSource::ALPACA,
            Self::Page(_) | Self::Delivery(_) => true,
        }
    }
}

impl Fault {
    /// The reply of Yahoo's side with this fault to a request for `symbol` at `now`.
    pub(crate) fn reply(self, symbol: &str, query: &request::Query, now: Timestamp) -> Reply {
        let unfaulted = || Reply::new(chart::respond(symbol, query, now));
        match self.effect_on(MarketSource::YAHOO) {
            Some(Effect::Yahoo(effect)) => effect.reply(symbol, query, now),
            Some(Effect::Page(page)) => Reply::from(page),
            Some(Effect::Delivery(change)) => change(unfaulted()),
            Some(Effect::Alpaca(_)) | None => unfaulted(),
        }
    }
}

impl YahooEffect {
    fn reply(self, symbol: &str, query: &request::Query, now: Timestamp) -> Reply {
        let unfaulted = || chart::respond(symbol, query, now);
        match self {
            Self::Rows(edit) => {
                Reply::new(unfaulted().and_then(|body| edited(&body, |body| reply_rows::edit(body, edit))))
            }
            Self::Body(edit) => Reply::new(unfaulted().and_then(|body| edited(&body, edit))),
            Self::Clock(edit) => Reply::new(unfaulted().and_then(|body| edited(&body, |body| edit(body, now)))),
            Self::Query(change) => Reply::new(chart::respond(symbol, &change(query.clone()), now)),
            Self::Error(error) => Reply::error(&error(query)),
            Self::Fixed(page) => Reply::from(page),
        }
    }
}

/// The body as JSON, edited if it has bars.
fn edited(body: &wire::Body, edit: impl FnOnce(&mut Value)) -> Result<Value, ErrorReply> {
    let mut body = serde_json::to_value(body).map_err(|error| ErrorReply::not_simulated(error.to_string()))?;
    if body.pointer("/chart/result/0/timestamp").is_some() {
        edit(&mut body);
    }
    Ok(body)
}
