//! Whole functions, as they are deployed, beside the least that they could take and beside a peer in Python.
//!
//! ```text
//! cargo bench -p benches --bench functions -- --help
//! ```
//!
//! It prints one table. Every figure is of the quickest of several runs, and runs of what is compared take turns, since other
//! programs run on the same machine. `docs/performance.md` has the last table, and says what each line means.

mod collection;
mod export;
mod peer;
mod starts;
mod table;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, ensure};
use benches::{aws::Aws, chart::Charts};
use clap::Parser;

use crate::table::Table;

/// The functions, in the order of the table.
const FUNCTIONS: [&str; 4] = ["collect", "start-crawler", "run-query", "export-csv"];

/// The trade date of all bars: a whole session of New York, 78 bars of five minutes.
const TRADE_DATE: &str = "2021-11-30";

/// Measures the functions as they are deployed, and prints one table.
#[derive(Debug, Parser)]
struct Args {
    /// The numbers of symbols of a collection
    #[arg(long, value_delimiter = ',', default_value = "10,500,1000,10000")]
    symbols: Vec<usize>,
    /// The runs of each collection, of which the quickest counts
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// The starts of each function, of which the middle one counts
    #[arg(long, default_value_t = 21)]
    starts: usize,
    /// The folder of the compiled functions, floor and bare [default: they are built]
    #[arg(long)]
    functions: Option<PathBuf>,
    /// A Python that has benches/peer/requirements.txt, to measure the peer with ten symbols
    #[arg(long)]
    peer: Option<PathBuf>,
    /// What cargo bench adds
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(table) => {
            println!("{table}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> anyhow::Result<Table> {
    let folder = match args.functions {
        Some(folder) => folder,
        None => build()?,
    };
    let most = args.symbols.iter().copied().max().context("name at least one number of symbols")?;
    eprintln!("preparing {most} charts …");
    let (charts, aws) = (Charts::serve(most, TRADE_DATE.parse()?).await?, Aws::serve().await?);
    let mut table = Table::default();
    for symbols in args.symbols {
        let peer = args.peer.as_deref().filter(|_| symbols <= 10);
        table.collections.push(collection::measure(&folder, peer, (&charts, &aws), symbols, args.runs).await?);
    }
    table.starts = starts::measure(&folder, (&charts, &aws), args.starts).await?;
    Ok(table)
}

/// The profile of what is deployed.
const PROFILE: &str = "deploy";

/// Builds the functions and what they are compared with, and returns the folder in which they are.
fn build() -> anyhow::Result<PathBuf> {
    let packages = FUNCTIONS.map(|function| ["--package", function]).concat();
    let others = ["--package", "benches"];
    let built = local::cargo().args(["build", "--profile", PROFILE, "--bins"]).args(packages).args(others).status()?;
    ensure!(built.success(), "the functions cannot be built");
    let target = Path::new(env!("CARGO_BIN_EXE_floor")).ancestors().nth(2).context("no folder of the programs")?;
    Ok(target.join(PROFILE))
}
