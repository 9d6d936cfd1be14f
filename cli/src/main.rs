//! The command `finstream`: what a person runs.
//!
//! It starts executions and shows them; what a run does is in the state machine and the functions.

mod answers;
mod args;
mod backfill;
mod cloud;
mod companies;
mod days;
mod demo;
mod execution;
mod files;
mod gaps;
mod hints;
mod history;
mod market;
mod run;
mod screen;
mod show;
mod story;
mod target;
mod workspace;

use std::process::ExitCode;

use args::{BadRequest, Cli, Command};
use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo(args) => demo::demo(args).await,
        Command::Local(command) => cloud::local(command).await,
        Command::Run(args) => run::run(args).await,
        Command::Follow(args) => run::follow(args).await,
        Command::Backfill(args) => backfill::backfill(args).await,
        Command::Gaps(args) => gaps::gaps(args).await,
        Command::Market(args) => market::serve(args).await,
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        if error.is::<BadRequest>() { ExitCode::from(BadRequest::EXIT_CODE) } else { ExitCode::FAILURE }
    })
}
