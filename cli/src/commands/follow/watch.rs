//! Watches an execution until it has ended.

use anyhow::Context;
use shared::payload::RunRequest;

use crate::{
    aws::{
        history, lists,
        poll::{Poll, poll_until},
        target::Target,
    },
    output::{
        console::Verbosity,
        phases::Phases,
        timeline::{Line, Timeline},
    },
};

/// Watches an execution until it has ended. `show` gets the lines of what happened, in a user's words or, with
/// [`Verbosity::Verbose`], state by state; it is also called when nothing has happened, since a countdown continues.
///
/// # Errors
/// When its history cannot be read; it may still be running then.
pub async fn watch(
    target: &Target,
    execution: &str,
    companies: Option<usize>,
    verbosity: Verbosity,
    mut show: impl FnMut(&[Line], &Phases),
) -> anyhow::Result<Timeline> {
    let waits = history::waits(&target.sfn, execution, target.wait_scale).await?;
    let (mut timeline, mut phases) = (Timeline::new(waits.clone()), Phases::new(waits, companies));
    poll_until(target.poll_interval, async || {
        let events = history::since(&target.sfn, execution, timeline.last_event()).await?;
        let mut lines = Vec::new();
        for event in &events {
            let (states, phases) = (timeline.advance(event), phases.advance(event));
            lines.extend(if verbosity == Verbosity::Verbose { states } else { phases });
        }
        show(&lines, &phases);
        Ok(match events.is_empty() {
            _ if timeline.has_ended() => Poll::Ready(()),
            true => Poll::Pending,
            false => Poll::Changed,
        })
    })
    .await
    .context("the execution may still be running, but it cannot be followed")?;
    Ok(timeline)
}

/// How many companies a run is over; `None` where its list cannot be read.
pub async fn companies(target: &Target, request: &RunRequest) -> Option<usize> {
    match &request.symbols {
        Some(symbols) => Some(symbols.len()),
        None => {
            let list = request.list.clone().unwrap_or_default();
            lists::companies(target, &list).await.ok().map(|companies| companies.symbols().len())
        }
    }
}
