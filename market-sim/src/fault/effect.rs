//! How a fault takes the place of a reply, or changes it.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Fault,
    table::{self, Table},
};
use crate::{
    chart,
    error_reply::ErrorReply,
    reply::{Page, Reply},
    request::Query,
    wire,
};

/// What a fault does to a reply.
pub enum Effect {
    /// Changes the rows of an answer that has bars.
    Rows(fn(&mut Table)),
    /// Changes anything in an answer that has bars.
    Body(fn(&mut Value)),
    /// Answers another question.
    Question(fn(Query) -> Query),
    /// Refuses to answer.
    Refuse(fn(&Query) -> ErrorReply),
    /// Sends something that has nothing to do with the question.
    Page(Page),
    /// Spoils the answer on its way.
    Spoil(fn(Reply) -> Reply),
}

impl Fault {
    /// What is sent back when `symbol` is asked for at `now`.
    pub(crate) fn reply(self, symbol: &str, query: &Query, now: Timestamp) -> Reply {
        let honest = || chart::ask(symbol, query, now);
        match self.effect() {
            Effect::Rows(edit) => Reply::new(honest().and_then(|body| edited(&body, |body| table::edit(body, edit)))),
            Effect::Body(edit) => Reply::new(honest().and_then(|body| edited(&body, edit))),
            Effect::Question(other) => Reply::new(chart::ask(symbol, &other(query.clone()), now)),
            Effect::Refuse(refusal) => Reply::refusing(&refusal(query)),
            Effect::Page(page) => Reply::from(page),
            Effect::Spoil(spoil) => spoil(Reply::new(honest())),
        }
    }
}

/// A body as a value, changed where it has bars.
fn edited(body: &wire::Body, edit: impl FnOnce(&mut Value)) -> Result<Value, ErrorReply> {
    let mut body = serde_json::to_value(body).map_err(|error| ErrorReply::not_simulated(error.to_string()))?;
    if body.pointer("/chart/result/0/timestamp").is_some() {
        edit(&mut body);
    }
    Ok(body)
}
