//! `finstream doctor`: checks that a deployed stack is as it should be. It changes nothing.
//!
//! Each check is a function in a file named after the service that it queries, and a line of [`checks::CHECKS`].

mod age;
mod athena;
mod checks;
mod cloudwatch;
mod deployment;
mod eventbridge;
mod firehose;
mod glue;
mod iam;
mod kinesis;
mod lambda;
mod outcome;
mod report;
mod s3;
mod scheduler;
mod sfn;
mod sns;
mod stack;

use futures::{StreamExt, stream};
use shared::MarketSource;

use crate::{
    args::{DoctorArgs, On},
    aws::location::{Location, NoLocation},
    exit::Exit,
    output::{console::Console, json::Place},
};
use checks::{CHECKS, LIVE_CHECKS};
use deployment::{Clients, Deployment};
use outcome::{NotOk, Outcome, wrong};
use report::Report;

/// How many checks run at once. IAM allows few simulations a second, and one check is one call or a few.
const CONCURRENCY: usize = 6;

pub async fn doctor(args: DoctorArgs, console: &Console) -> anyhow::Result<Exit> {
    let progress = console.progress();
    let report = match Location::find(&args.target).await {
        Ok(location) => {
            progress.report(&location.announcement());
            progress.start_step("checking it");
            let checks = check(&location, args.source.source).await;
            Report { place: location.place(), checks }
        }
        Err(NoLocation { on, problem, fix }) => {
            let (check, place) = match on {
                On::Local => ("local cloud", "the local cloud"),
                On::Aws => ("region", "AWS"),
            };
            let place = Place { on, place: place.to_owned() };
            Report { place, checks: stopped(vec![(check, Err(wrong(problem, fix)))]) }
        }
    };
    progress.clear();
    console.answer(&report.text(), &report.json())?;
    Ok(if report.count_wrong() == 0 { Exit::Done } else { Exit::Failed })
}

/// The outcomes of all checks; of those up to the first that the others depend on, where that one is not ok.
async fn check(location: &Location, source: Option<MarketSource>) -> Vec<(&'static str, Outcome)> {
    let clients = Clients::new(&location.config);
    let region = location.config.region().map(ToString::to_string).unwrap_or_default();
    let mut checks = Vec::new();
    let caller = match stack::caller(&location.config, &clients).await {
        Ok(caller) => caller,
        Err(problem) => return stopped(vec![("region", Ok(region)), ("credentials", Err(problem))]),
    };
    checks.push(("region", Ok(region.clone())));
    checks.push(("credentials", Ok(format!("account {} as {}", caller.account, caller.arn))));
    let found = match stack::describe(&clients, &location.stack, &region).await {
        Ok(found) => found,
        Err(problem) => {
            checks.push(("stack", Err(problem)));
            return stopped(checks);
        }
    };
    checks.push(("stack", stack::status(&found)));
    let deployment = Deployment {
        clients,
        stack: location.stack.clone(),
        options: location.options.clone(),
        region,
        account: caller.account,
        partition: caller.partition,
        outputs: stack::outputs(&found),
        parameters: stack::parameters(&found),
        source,
    };
    let of_stack = || CHECKS.iter().chain(LIVE_CHECKS.iter().filter(|_| deployment.is_live()));
    let outcomes = stream::iter(of_stack()).map(|check| (check.run)(&deployment)).buffered(CONCURRENCY);
    let outcomes = outcomes.collect::<Vec<_>>().await;
    checks.extend(of_stack().map(|check| check.name).zip(outcomes));
    checks
}

/// The outcomes so far, and that nothing else could be checked.
fn stopped(mut checks: Vec<(&'static str, Outcome)>) -> Vec<(&'static str, Outcome)> {
    let reason = format!("the other {} checks need it", CHECKS.len());
    checks.push(("everything else", Err(NotOk::Skipped(reason))));
    checks
}
