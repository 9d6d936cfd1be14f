//! `finstream list`: the newest executions of the pipeline, with what each collected, or why it failed.

mod json;
mod table;

use aws_sdk_sfn::types::ExecutionListItem;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use shared::{ListName, SymbolList, payload::RunRequest};

use crate::{
    args::ListArgs,
    aws::{
        execution::{self, RunResult, Status},
        target::Target,
    },
    exit::Exit,
    output::console::Console,
};
use json::{ListJson, ListedJson};

/// How many executions are described at once.
const CONCURRENCY: usize = 6;

/// An execution as it is listed.
#[derive(Debug)]
pub struct Listed {
    pub name: String,
    pub started: Timestamp,
    /// How long it took, in seconds; `None` while it is running.
    pub seconds: Option<f64>,
    /// What its input names; `None` where that cannot be read.
    pub requested: Option<Requested>,
    pub outcome: Outcome,
}

/// The companies that a run is over.
#[derive(Debug)]
pub enum Requested {
    List(ListName),
    Symbols(SymbolList),
}

#[derive(Debug)]
pub enum Outcome {
    Running,
    /// Boxed, since an outcome is large.
    Ended(Box<RunResult>),
    /// It could not be looked up, for this reason, or has the output of another version.
    Unknown(String),
}

pub async fn list(args: ListArgs, console: &Console) -> anyhow::Result<Exit> {
    let progress = console.progress();
    let target = Target::find(&args.target, &progress).await?;
    progress.start_step("listing the executions");
    let newest = execution::newest(&target, usize::from(args.limit)).await?;
    let listed = stream::iter(newest).map(|item| look_up(&target, item)).buffered(CONCURRENCY);
    let listed: Vec<_> = listed.try_collect().await?;
    progress.clear();
    let executions = listed.iter().map(ListedJson::from).collect();
    console.answer(&table::of(&listed, None), &ListJson { place: target.place(), executions })?;
    Ok(Exit::Done)
}

async fn look_up(target: &Target, item: ExecutionListItem) -> anyhow::Result<Listed> {
    let started = Timestamp::from_millisecond(item.start_date.to_millis()?)?;
    let found = execution::find(target, &item.name).await;
    let requested = found.as_ref().ok().and_then(Option::as_ref).and_then(|found| requested(found.input()?));
    let outcome = match found.and_then(|found| found.as_ref().map(execution::status).transpose()) {
        Ok(Some(Status::Ended { result, .. })) => Outcome::Ended(result),
        Ok(Some(Status::Running)) => Outcome::Running,
        Ok(None) => Outcome::Unknown("it ended more than 90 days ago".to_owned()),
        Err(error) => Outcome::Unknown(format!("{error:#}")),
    };
    let seconds = item.stop_date.map(|stop| stop.as_secs_f64() - item.start_date.as_secs_f64());
    Ok(Listed { name: item.name, started, seconds, requested, outcome })
}

/// What the input of an execution names; the default list where it names nothing.
fn requested(input: &str) -> Option<Requested> {
    let request: RunRequest = serde_json::from_str(input).ok()?;
    let list = || Requested::List(request.list.unwrap_or_default());
    Some(request.symbols.map_or_else(list, Requested::Symbols))
}

#[cfg(test)]
mod tests;
