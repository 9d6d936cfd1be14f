//! The integration tests: the compiled functions, the deployed template, the state machine and the command, on the
//! local cloud, against a simulated market over real HTTP.
//!
//! All tests that do not change the stack itself share one; each uses trade dates of its own. A test is an async
//! function that is listed in its module's `trials!`.

mod alerts; // the alerts, the metrics and the dashboard
mod alpaca; // runs over Alpaca: prices, faults of the whole source, keys and where none is ever shown
mod answers; // the query and the export of a lake whose bars the tests wrote
mod api; // `POST /collect`: authorization and replies
mod aws_rules; // rules of AWS that the local cloud does not enforce
mod backfill; // `finstream backfill` and `finstream gaps`
mod bad_replies; // each fault of the simulated market, for one of ten symbols
mod command; // the other subcommands of `finstream`
mod concurrency; // sixty executions at once
mod daily; // `finstream daily`: every day on one machine, and who starts it
mod days; // runs of one day: exported, without a session, failed
mod doctor; // `finstream doctor` on a healthy stack and on broken ones
mod documents; // the documents: links, tables that follow the template and the code
mod encryption; // a customer managed KMS key
mod existing_bucket; // a stack that takes the bars of a deleted one along
mod export; // `finstream export`
mod faults; // each fault of each call that a function makes, and functions that are interrupted
mod instruments; // instruments and days that nobody simulated at first
mod invoke; // each function by itself, through cargo-lambda
mod linters; // linters of the template and the SQL, and settings that must agree
mod lists; // lists of companies, and what is published of each
mod live; // a session in ticks: the stream, the lake, and the daily run after it
mod live_board; // `finstream live`: the bars of a data stream, on a board or a line each
mod live_stack; // what the parameter `Live` adds to the template
mod local_cloud; // `finstream local`: data that outlives processes
mod malformed; // invalid input to the API and to the state machine
mod market_outage; // a market that blocks this client, has no data, or takes too long
mod missing_resources; // a deleted crawler, table or workgroup
mod permissions; // what the functions' roles allow, as the local cloud enforces it
mod pictures; // reports in a browser
mod policies; // what the policies say, where the local cloud does not enforce them
mod recipes; // the documents' ways to read the CSV, Parquet and the lake
mod release; // the archive of a release
mod retention; // how long files are kept, and what the command does about those that are gone
mod saved_queries; // the saved queries, and `finstream query`
mod schedules; // schedules that fire on the local cloud
mod scripts; // what scripts rely on: exit codes, standard output and standard error, JSON
mod state_machine; // the definitions of the state machines
mod stream_readers; // the documents' ways to read the stream of the open session
mod symbols; // symbols that Yahoo spells differently, and symbols of other exchanges
mod ten_thousand; // where it is asked for: as many symbols, every row, payload and event of their run
mod week; // a week of somebody who relies on finstream

use std::{
    future::Future,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use harness::{Stack, Tools};
use libtest_mimic::{Arguments, Trial};
use serde_json::Value;
use tokio::runtime::{Handle, Runtime};

/// What every test is given.
struct Context {
    tools: Tools,
    /// The shared stack.
    stack: Stack,
}

impl Context {
    /// Runs the AWS CLI on the shared stack's local cloud.
    async fn aws(&self, args: &[&str]) -> anyhow::Result<Value> {
        self.tools.aws(&self.stack.cloud, args).await
    }
}

/// A test that takes longer says how long: all together have to stay below fifteen minutes on two cores.
const SLOW: Duration = Duration::from_secs(45);

/// A test as libtest-mimic runs it.
fn trial<F>(
    name: impl Into<String>,
    runtime: &Handle,
    context: &Arc<Context>,
    test: impl FnOnce(Arc<Context>) -> F + Send + 'static,
) -> Trial
where
    F: Future<Output = anyhow::Result<()>>,
{
    let (runtime, context, name) = (runtime.clone(), Arc::clone(context), name.into());
    Trial::test(name.clone(), move || {
        let begun = Instant::now();
        let ended = runtime.block_on(test(context));
        if begun.elapsed() > SLOW {
            println!("{name} took {:.0?}", begun.elapsed());
        }
        ended.map_err(|error| format!("{error:#}").into())
    })
}

/// Defines `trials`, the tests of a module, which are named after their functions.
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
    // They wait more than they compute: on two cores eight at once take a fifth less time than four do.
    arguments.test_threads.get_or_insert(8);
    let runtime = Runtime::new()?;
    let context = runtime.block_on(async {
        let tools = Tools::ensure().await?;
        let stack = Stack::up(&tools).await?;
        anyhow::Ok(Arc::new(Context { tools, stack }))
    })?;
    // The longest first, so that none is left alone at the end.
    let modules = [
        schedules::trials,
        week::trials,
        live::trials,
        alpaca::trials,
        alerts::trials,
        answers::engines::trials,
        answers::trials,
        api::trials,
        aws_rules::trials,
        backfill::trials,
        bad_replies::trials,
        linters::trials,
        command::trials,
        concurrency::trials,
        daily::trials,
        days::trials,
        documents::trials,
        doctor::trials,
        encryption::trials,
        existing_bucket::trials,
        export::trials,
        faults::trials,
        faults::interrupted::trials,
        instruments::trials,
        invoke::trials,
        lists::trials,
        live_board::trials,
        live_stack::trials,
        local_cloud::trials,
        malformed::trials,
        market_outage::trials,
        missing_resources::trials,
        permissions::trials,
        pictures::trials,
        policies::trials,
        recipes::trials,
        release::trials,
        retention::trials,
        saved_queries::trials,
        scripts::trials,
        state_machine::trials,
        stream_readers::trials,
        symbols::trials,
        ten_thousand::trials,
    ];
    let trials = modules.into_iter().flat_map(|trials| trials(runtime.handle(), &context)).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(context);
    Ok(conclusion.exit_code())
}
