//! `finstream run`: starts an execution and follows it.

use std::process::ExitCode;

use shared::payload::RunRequest;

use super::follow::follow_until_interrupted;
use crate::{
    args::RunArgs,
    aws::{execution, target::Target},
};

pub async fn run(args: RunArgs) -> anyhow::Result<ExitCode> {
    let target = Target::find(args.target.stack.as_deref()).await?;
    let name = start(&target, &args.request.request()).await?;
    follow_until_interrupted(&target, &name, args.request.out).await
}

/// Starts an execution under a new name and returns the name.
pub async fn start(target: &Target, request: &RunRequest) -> anyhow::Result<String> {
    let day = request.trade_date.map_or_else(|| "latest".to_owned(), |date| date.to_string());
    let name = format!("manual-{day}-{:08x}", rand::random::<u32>());
    execution::start(target, &name, request).await?;
    Ok(name)
}
