//! The command `finstream`.
//!
//! It starts executions and shows their progress and results; what a run does is defined by the state machine and
//! the functions.

mod alpaca_key;
mod args;
mod aws;
mod commands;
#[cfg(test)]
mod documents;
mod exit;
mod interrupt;
mod invocation;
mod out;
mod output;
mod saved_queries;
mod sql;
mod trading_day;
mod wait_scale;
mod workspace;

use std::process::ExitCode;

use args::{Cli, Command};
use clap::FromArgMatches;
#[cfg(feature = "doctor")]
use commands::doctor;
#[cfg(feature = "export")]
use commands::export;
#[cfg(feature = "live")]
use commands::live;
#[cfg(not(all(feature = "doctor", feature = "export", feature = "live")))]
use commands::on_demand;
use commands::{backfill, completions, daily, demo, follow, gaps, list, lists, local, market, query, run, show};
use exit::Exit;
use interrupt::unless_interrupted;
use output::console::print_to_stderr;

#[tokio::main]
async fn main() -> ExitCode {
    let matches = invocation::command().get_matches();
    let Cli { command, output } = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let console = output.console();
    let result = match command {
        Command::Demo(args) => demo::demo(args, &console).await,
        Command::Local(command) => local::local(command, &console).await,
        Command::Run(args) => run::run(args, &console).await,
        Command::Follow(args) => follow::follow(args, &console).await,
        Command::Backfill(args) => backfill::backfill(args, &console).await,
        Command::Daily(args) => daily::daily(args, &console).await,
        Command::Gaps(args) => unless_interrupted(gaps::gaps(args, &console)).await,
        Command::Show(args) => unless_interrupted(show::show(args, &console)).await,
        Command::Query(args) => query::query(args, &console).await,
        Command::List(args) => unless_interrupted(list::list(args, &console)).await,
        Command::Lists(args) => unless_interrupted(lists::lists(args, &console)).await,
        #[cfg(feature = "doctor")]
        Command::Doctor(args) => unless_interrupted(doctor::doctor(args, &console)).await,
        #[cfg(not(feature = "doctor"))]
        Command::Doctor(_) => on_demand::run("doctor", console.verbosity).map(|never| match never {}),
        #[cfg(feature = "export")]
        Command::Export(args) => unless_interrupted(export::export(args, &console)).await,
        #[cfg(not(feature = "export"))]
        Command::Export(_) => on_demand::run("export", console.verbosity).map(|never| match never {}),
        #[cfg(feature = "live")]
        Command::Live(args) => live::live(args, &console).await,
        #[cfg(not(feature = "live"))]
        Command::Live(_) => on_demand::run("live", console.verbosity).map(|never| match never {}),
        Command::Completions { shell } => completions::completions(shell),
        Command::Market(args) => market::serve(args).await,
    };
    let exit = result.unwrap_or_else(|error| {
        print_to_stderr(&format!("error: {error:#}"));
        Exit::of_error(&error)
    });
    exit.into()
}
