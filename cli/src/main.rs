//! The command `finstream`.
//!
//! It starts executions and shows their progress and results; what a run does is defined by the state machine and
//! the functions.

mod args;
mod aws;
mod commands;
mod exit;
mod interrupt;
mod output;
mod trading_day;
mod workspace;

use std::process::ExitCode;

use args::{Cli, Command};
use clap::Parser;
use commands::{backfill, demo, doctor, follow, gaps, local, market, run};
use exit::Exit;
use interrupt::unless_interrupted;

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Demo(args) => demo::demo(args).await,
        Command::Local(command) => local::local(command).await,
        Command::Run(args) => run::run(args).await,
        Command::Follow(args) => follow::follow(args).await,
        Command::Backfill(args) => backfill::backfill(args).await,
        Command::Gaps(args) => unless_interrupted(gaps::gaps(args)).await,
        Command::Doctor(args) => unless_interrupted(doctor::doctor(args)).await,
        Command::Market(args) => market::serve(args).await,
    };
    let exit = result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        Exit::of_error(&error)
    });
    exit.into()
}
