//! How a fault changes or replaces a reply.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Fault,
    reply_rows::{self, Table},
};
use crate::{
    chart,
    error_reply::ErrorReply,
    reply::{Page, Reply},
    request, wire,
};

/// What a fault does to a reply.
pub enum Effect {
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
    /// Sends a fixed page, whatever the request.
    Page(Page),
    /// Truncates the reply or closes its connection.
    Delivery(fn(Reply) -> Reply),
}

impl Fault {
    /// The reply with this fault to a request for `symbol` at `now`.
    pub(crate) fn reply(self, symbol: &str, query: &request::Query, now: Timestamp) -> Reply {
        let unfaulted = || chart::respond(symbol, query, now);
        match self.effect() {
            Effect::Rows(edit) => {
                Reply::new(unfaulted().and_then(|body| edited(&body, |body| reply_rows::edit(body, edit))))
            }
            Effect::Body(edit) => Reply::new(unfaulted().and_then(|body| edited(&body, edit))),
            Effect::Clock(edit) => Reply::new(unfaulted().and_then(|body| edited(&body, |body| edit(body, now)))),
            Effect::Query(change) => Reply::new(chart::respond(symbol, &change(query.clone()), now)),
            Effect::Error(error) => Reply::error(&error(query)),
            Effect::Page(page) => Reply::from(page),
            Effect::Delivery(change) => change(Reply::new(unfaulted())),
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
