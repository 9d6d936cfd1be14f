//! `finstream run`: starts an execution and follows it.

use jiff::Timestamp;
use shared::payload::RunRequest;

use super::follow::{follow_to_end, until_interrupted};
use crate::{
    args::RunArgs,
    aws::{execution, target::Target},
    exit::Exit,
    interrupt::unless_interrupted,
    output::console::Console,
};

pub async fn run(args: RunArgs, console: &Console) -> anyhow::Result<Exit> {
    let request = args.request(Timestamp::now());
    let result = &args.request.result;
    result.out.folder.check(request.trade_date)?;
    let progress = console.progress();
    let target = unless_interrupted(Target::find(&args.target, &progress)).await?;
    let name = new_name(&request);
    let run = async {
        execution::start(&target, &name, &request).await?;
        follow_to_end(&target, &name, result, console, &progress).await
    };
    until_interrupted(&target, &name, run, &progress).await
}

/// A name for an execution that no other has.
pub fn new_name(request: &RunRequest) -> String {
    let day = request.trade_date.map_or_else(|| "latest".to_owned(), |date| date.to_string());
    format!("manual-{day}-{:08x}", rand::random::<u32>())
}
