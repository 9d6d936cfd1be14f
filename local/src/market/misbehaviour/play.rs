//! How a misbehaviour takes the place of an answer, or changes it.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Misbehaviour,
    table::{self, Table},
};
use crate::market::{
    chart,
    refusal::Refusal,
    reply::{Page, Reply},
    request::Query,
    wire,
};

/// What a misbehaviour does.
pub enum Play {
    /// Changes the rows of an answer that has bars.
    Rows(fn(&mut Table)),
    /// Changes anything in an answer that has bars.
    Body(fn(&mut Value)),
    /// Answers another question.
    Question(fn(Query) -> Query),
    /// Refuses to answer.
    Refuse(fn(&Query) -> Refusal),
    /// Sends something that has nothing to do with the question.
    Page(Page),
    /// Spoils the answer on its way.
    Spoil(fn(Reply) -> Reply),
}

impl Misbehaviour {
    /// What is sent back when `symbol` is asked for at `now`.
    pub(in crate::market) fn reply(self, symbol: &str, query: &Query, now: Timestamp) -> Reply {
        let honest = || chart::ask(symbol, query, now);
        match self.play() {
            Play::Rows(edit) => Reply::new(honest().and_then(|body| edited(&body, |body| table::edit(body, edit)))),
            Play::Body(edit) => Reply::new(honest().and_then(|body| edited(&body, edit))),
            Play::Question(other) => Reply::new(chart::ask(symbol, &other(query.clone()), now)),
            Play::Refuse(refusal) => Reply::refusing(&refusal(query)),
            Play::Page(page) => Reply::from(page),
            Play::Spoil(spoil) => spoil(Reply::new(honest())),
        }
    }
}

/// A body as a value, changed where it has bars.
fn edited(body: &wire::Body, edit: impl FnOnce(&mut Value)) -> Result<Value, Refusal> {
    let mut body = serde_json::to_value(body).map_err(|error| Refusal::not_simulated(error.to_string()))?;
    if body.pointer("/chart/result/0/timestamp").is_some() {
        edit(&mut body);
    }
    Ok(body)
}
