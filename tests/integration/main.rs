//! The tests of the whole: the compiled functions, the deployed template and the state machine, on
//! the local cloud, against a simulated market over real HTTP.
//!
//! One stack serves all tests that leave it as it is; they keep apart by trade date. Each test is
//! an async function that is listed in its module's `trials`.

mod alerts; // what goes wrong is heard of
mod answers; // what the query and the export make of a lake that holds this or that
mod api; // POST /collect: who may call it, and what it answers
mod backfill; // `finstream backfill` and `finstream gaps`
mod bad_replies; // one of ten symbols, in each way the market can misbehave
mod calls; // what the permissions are tried with
mod checks; // what other tools say of the template and the SQL
mod command; // `finstream` as a person types it
mod concurrency; // sixty executions at once
mod days; // what a day comes to: exported, no session, failed
mod encryption; // a KMS key of one's own
mod faults; // every call of every function, in each way a call can go wrong, and functions killed meanwhile
mod invoke; // each function by hand, through cargo-lambda
mod malformed; // input that is refused, at the API and at the state machine
mod market_outage; // a market that refuses this client, or is not there
mod missing_resources; // a crawler, a query or a workgroup that is gone
mod permissions; // what the functions' roles may do, and what happens when one lacks a permission
mod policies; // what the policies say that the local cloud does not enforce
mod state_machine; // the state machine as it is written
mod symbols; // other names, and other exchanges

use std::{future::Future, process::ExitCode, sync::Arc};

use harness::{Stack, Tools};
use libtest_mimic::{Arguments, Trial};
use tokio::runtime::{Handle, Runtime};

/// What every test is given.
struct Context {
    tools: Tools,
    stack: Stack,
}

/// A test of the context's stack.
fn trial<F>(name: &str, runtime: &Handle, context: &Arc<Context>, test: fn(Arc<Context>) -> F) -> Trial
where
    F: Future<Output = anyhow::Result<()>> + 'static,
{
    let (runtime, context) = (runtime.clone(), Arc::clone(context));
    Trial::test(name.to_owned(), move || runtime.block_on(test(context)).map_err(|error| format!("{error:#}").into()))
}

/// The trials of a module, named after their functions.
macro_rules! trials {
    ($($test:ident),* $(,)?) => {
        pub fn trials(runtime: &tokio::runtime::Handle, context: &std::sync::Arc<crate::Context>) -> Vec<libtest_mimic::Trial> {
            vec![$(crate::trial(concat!(module_path!(), "::", stringify!($test)), runtime, context, $test)),*]
        }
    };
}
use trials;

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    // Two cores run the server, the functions and the tests; more at once only slows each.
    arguments.test_threads.get_or_insert(4);
    let runtime = Runtime::new()?;
    let context = runtime.block_on(async {
        let tools = Tools::find().await?;
        let stack = Stack::up(&tools).await?;
        anyhow::Ok(Arc::new(Context { tools, stack }))
    })?;
    let modules = [
        alerts::trials,
        answers::trials,
        api::trials,
        backfill::trials,
        market_outage::trials,
        checks::trials,
        command::trials,
        concurrency::trials,
        days::trials,
        missing_resources::trials,
        faults::trials,
        faults::interrupted::trials,
        invoke::trials,
        encryption::trials,
        state_machine::trials,
        malformed::trials,
        bad_replies::trials,
        permissions::trials,
        policies::trials,
        symbols::trials,
    ];
    let trials = modules.into_iter().flat_map(|trials| trials(runtime.handle(), &context)).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(context);
    Ok(conclusion.exit_code())
}
