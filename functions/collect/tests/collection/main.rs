//! The real `collect`, in process and in virtual time, against markets by script: refusals, outages, hangs and
//! recoveries, over the attempts and waits of the state machine.
//!
//! `cases` has one test for each way in which a collection once told less than the truth; `model` plays random markets, and `ticks` the day of an open
//! session; `alpaca` plays the source of that name.

mod alpaca;
mod bucket;
mod cases;
mod lake;
mod lists;
mod market;
mod model;
mod pipeline;
mod ticks;

use std::future::Future;

use serde_json::Value;

use crate::{
    bucket::Bucket,
    lake::Lake,
    market::{Asked, Script, ScriptedMarket},
    pipeline::{Run, collector_of},
};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// A run that has ended.
struct Played {
    run: Run,
    asked: Vec<Asked>,
    lake: Lake,
}

/// Plays a run over a market.
fn play(script: Script, lake: Lake, request: &Value) -> Outcome<Played> {
    in_virtual_time(async {
        let market = ScriptedMarket::new(script);
        let bucket = Bucket::default();
        let run = pipeline::run((&collector_of(&market, &lake, &bucket)?, &bucket), request).await?;
        Ok(Played { run, asked: market.asked(), lake })
    })
}

/// Runs to the end with a clock that jumps to the next timer when nothing else is to be done.
fn in_virtual_time<T>(future: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?.block_on(future)
}
