//! The command line. Every value is parsed into the type that the pipeline uses, so input that the pipeline would
//! reject is rejected here, with exit code 2, before anything runs.

#![allow(rustdoc::bare_urls, rustdoc::invalid_html_tags, reason = "the doc comments of arguments are help texts")]

mod daily;
mod day;
mod export;
mod live;
mod period;
mod query;
mod show;

use std::{error::Error, path::PathBuf};

use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PathBufValueParser, TypedValueParser},
    value_parser,
};
use clap_complete::Shell;
use jiff::Timestamp;
use local::cloud::DEFAULT_WAIT_SCALE;
use market_sim::FaultRule;
use serde::Serialize;
use shared::{Interval, ListName, MarketSource, Symbol, SymbolList, TradeDate, payload::RunRequest};
use url::Url;

use crate::{
    out::OutFolder,
    output::console::{Console, Format, Verbosity},
};

pub use daily::DailyArgs;
pub use day::Day;
pub use export::ExportArgs;
#[cfg(feature = "export")]
pub use export::{ExportDays, FileFormat};
pub use live::LiveArgs;
pub use period::{BadRequest, PeriodArgs, dates, range};
pub use query::{QueryArgs, ValueArgs};
pub use show::ShowArgs;

#[derive(Debug, Parser)]
#[command(
    name = "finstream",
    bin_name = "cargo finstream",
    version,
    about = "One trading day of market bars, from the market to a CSV of every company's hourly highs and lows",
    after_help = EXAMPLES,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What is printed, of every subcommand.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Print no progress and no hints: only the result, and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Also print what happens within each step
    #[arg(short, long, global = true)]
    verbose: bool,
    /// Print the result as JSON, in the form that docs/scripts.md describes
    #[arg(long, global = true)]
    json: bool,
}

impl OutputArgs {
    pub fn console(&self) -> Console {
        let verbosity = match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        };
        Console { verbosity, format: if self.json { Format::Json } else { Format::Text } }
    }
}

/// Scheme and host of Yahoo's chart API.
pub const YAHOO_URL: &str = "https://query2.finance.yahoo.com";

const EXAMPLES: &str = "\
Examples:
  cargo finstream demo                              the whole pipeline on this machine, simulated prices
  cargo finstream demo --live --symbols META,SHOP   the same with Yahoo's prices
  cargo finstream demo --stream                     an open session: bars on a board and in SQL a minute after they close
  cargo finstream local up                          a local cloud that stays
  cargo finstream run 2026-11-20                    one run: on the local cloud when it is up, otherwise on AWS
  cargo finstream show 2026-11-20                   what that day was, company by company
  cargo finstream list                              the newest runs: their outcome, and what they collected
  cargo finstream backfill --from 2026-11-02        one run for every trading day since that is still missing
  cargo finstream daily --install                   every day after the close, on this machine
  cargo finstream query latest-bars                 the lake in SQL: a saved query, or your own
  cargo finstream gaps --from 2026-11-02            what the lake holds of those days, and what is missing
  cargo finstream export 2026-11-20 --format xlsx   a published day as a workbook
  cargo finstream live --from open                  the open session so far, and each bar as it comes
  cargo finstream doctor                            whether the deployed stack is as it should be";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole pipeline once on this machine, show the result, and clean up
    Demo(DemoArgs),
    /// Start, stop or inspect the local cloud
    #[command(subcommand, arg_required_else_help = true)]
    Local(LocalCommand),
    /// Start an execution, follow it, and download its CSV and report
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Follow an execution that was started before, and download its CSV and report
    Follow(FollowArgs),
    /// Show a published day: a line for each company, or for each of its hours
    #[command(after_help = SHOW_EXAMPLES)]
    Show(ShowArgs),
    /// Query the lake in Athena: by a saved query, or by SQL of your own
    #[command(after_help = QUERY_EXAMPLES)]
    Query(QueryArgs),
    /// List the newest executions, with their outcome and what they collected
    List(ListArgs),
    /// Show, check and change the lists of companies in the data bucket
    #[command(after_help = LISTS_EXAMPLES)]
    Lists(ListsArgs),
    /// Run every trading day of a range that is still missing, and download the CSVs and reports
    #[command(after_help = BACKFILL_EXAMPLES)]
    Backfill(BackfillArgs),
    /// Run what is missing of the last sessions on this machine, on a local cloud with Yahoo's prices; --install does it every day
    #[command(after_help = DAILY_EXAMPLES)]
    Daily(DailyArgs),
    /// Show which bars of a range the lake holds, and which are missing
    #[command(after_help = GAPS_EXAMPLES)]
    Gaps(GapsArgs),
    /// Write published days to a file for other programs: CSV, an Excel workbook or Parquet, of the hours or of the bars
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(ExportArgs),
    /// Show the bars of the open session as they come, on a board or a line each, of a stack with Live=ENABLED
    #[command(after_help = LIVE_EXAMPLES)]
    Live(LiveArgs),
    /// Check a deployed stack, and say what is wrong and what to do; changes nothing
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Print a script with which a shell completes this command
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Serve the simulated market (the local cloud starts this by itself)
    #[command(hide = true)]
    Market(MarketArgs),
}

const RUN_EXAMPLES: &str = "\
Examples:
  cargo finstream run                                          the newest session that has ended, the default companies
  cargo finstream run yesterday
  cargo finstream run 2026-11-20 --symbols META,SHOP --interval 15m
  AWS_PROFILE=prod cargo finstream run --stack finstream-prod  a stack of another name, in the account of that profile

Without --on it runs on the local cloud when that is up (cargo finstream local status), otherwise on the AWS account
and region of the environment. Its first line says which.";

const SHOW_EXAMPLES: &str = "\
Examples:
  cargo finstream show                                 the newest day that is published
  cargo finstream show 2026-11-20 --sort change --top 5
  cargo finstream show 2026-11-20 --hours
  cargo finstream show --list tech --open              the report in the browser; it is saved in the folder of --out

Columns that do not fit the terminal are left out; the CSV and the report have them all. A change is from the close of the
session before, or from the day's open where the market does not report that close; gap is the open against it. hours shows
the open and the close of each hour.";

const QUERY_EXAMPLES: &str = "\
Examples:
  cargo finstream query                                        the saved queries, and what each takes
  cargo finstream query latest-bars
  cargo finstream query day-bars --trade-date 2026-11-20 --symbols META,SHOP --csv
  cargo finstream query coverage --from 2026-11-02 --to 2026-11-20
  cargo finstream query --sql volume.sql --param 2026-11-20 --param 1000000
  echo 'SELECT max(trade_date) FROM bars' | cargo finstream query --sql -

The text of a saved query is the one that the stack has. Values are never part of the SQL: Athena binds them to its ?.
Columns that do not fit the terminal are left out, and a time shows what all of its column do not have in common;
--csv and --json have everything. A query that reads more than the stack's BytesScannedCutoff is cancelled.";

const BACKFILL_EXAMPLES: &str = "\
Examples:
  cargo finstream backfill --from 2026-11-02                   to the newest session that has ended
  cargo finstream backfill --from 2026-11-02 --to 2026-11-20 --symbols META,SHOP --concurrency 4

Without --list and --symbols it takes the list companies. Weekends and New York's holidays
are left out where all symbols trade there. The same command again resumes where it stopped: a day is not run again
once its execution has succeeded, or the list's published CSV holds every bar of every symbol.";

const DAILY_EXAMPLES: &str = "\
Examples:
  cargo finstream daily                                        what is missing of the last five sessions, then results/index.html
  cargo finstream daily --list tech --sessions 10 --out /data/tech
  cargo finstream daily --install                              from now on after each close, by systemd or launchd
  cargo finstream daily --install --at 18:15 --on-failure 'echo \"$FINSTREAM_MESSAGE\" | mail -s finstream me@example.com'
  cargo finstream daily --status                               the last run, and the next
  cargo finstream daily --uninstall

It brings the local cloud of `finstream local` up and takes it down again, unless it was up before. A command of
--on-failure gets what failed in FINSTREAM_MESSAGE, and the trade dates in FINSTREAM_DAYS.";

const GAPS_EXAMPLES: &str = "\
Examples:
  cargo finstream gaps --from 2026-11-02 --to 2026-11-20
  cargo finstream gaps --from 2026-11-02 --symbols META,SHOP --interval 15m

Without --list and --symbols it expects the companies of the list companies, as it is now, on every day.";

const EXPORT_EXAMPLES: &str = "\
Examples:
  cargo finstream export 2026-11-20 --format xlsx              a workbook: the days, the hours, a chart
  cargo finstream export 2026-11-20 --format parquet --bars    the day's bars for pandas, Polars or DuckDB
  cargo finstream export --from 2026-11-02 --to 2026-11-20     the hourly rows of three weeks in one CSV

A day is exported when it is published: after `run`, `backfill` or `daily` over the list. One day is written to
its folder as hourly_extremes or bars; several are written to one file above the folders of the days, which has
the first and the last date in its name.";

const LIVE_EXAMPLES: &str = "\
Examples:
  cargo finstream live                              the board: the last half hour, and what comes
  cargo finstream live --from open --symbols META,SHOP
  cargo finstream live --json --for 10m | jq -r '[.symbol, .ts, .close] | @csv'
  cargo finstream live --bars 1 > bar.txt           waits for one bar

Keys: s the order, r the other way round, / a filter, q the end. Where standard output is no terminal, it prints a line for
each bar, and one more where a later collection corrects it.

Exit code: 0, 3 when --for ends before the bars of --bars have come, 130 after Ctrl-C.
It reads the data stream, never the market.";

const LISTS_EXAMPLES: &str = "\
Examples:
  cargo finstream lists                             the lists, and how many companies each has
  cargo finstream lists edit companies              in your editor; a list that is not right stays as it was
  cargo finstream lists pull companies tech.toml    the file, to change it
  cargo finstream lists push tech tech.toml         a new list, or a new version of one
  cargo finstream run --list tech

A change holds from the next run on, without a deployment. A run without a list takes companies, which is built in until it
is changed; the schedule takes the list of its parameter ScheduleList.";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  cargo finstream doctor                            the local cloud when it is up, otherwise AWS
  AWS_PROFILE=prod cargo finstream doctor --stack finstream-prod
  cargo finstream doctor --source alpaca            whether Alpaca accepts the key, before runs take its bars
  cargo finstream doctor --json                     the same for scripts

Exit code: 0 when nothing is wrong, 1 when something is, 2 for invalid arguments.
It only reads, but for one invocation of collect, which queries the market once, by its key, and writes nothing.";

const COMPLETIONS_EXAMPLES: &str = "\
For the installed program (cargo install --locked --path cli), such as:
  finstream completions bash > ~/.local/share/bash-completion/completions/finstream
  finstream completions zsh  > ~/.zfunc/_finstream           with ~/.zfunc in fpath
  finstream completions fish > ~/.config/fish/completions/finstream.fish";

/// Which bars to collect, and where to save the result.
#[derive(Debug, Clone, Default, Args)]
pub struct RequestArgs {
    /// The session's date in the exchange's zone [default: the newest session that has ended]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = trade_date)]
    pub trade_date: Option<TradeDate>,
    #[command(flatten)]
    pub what: WhatArgs,
    /// The length of a bar: 1m, 2m, 5m, 15m, 30m or 1h [default: 5m]
    #[arg(long)]
    pub interval: Option<Interval>,
    #[command(flatten)]
    pub source: SourceArgs,
    #[command(flatten)]
    pub result: ResultArgs,
}

impl RequestArgs {
    /// The input of the execution. What was not given is left to the pipeline's defaults.
    pub fn request(&self) -> RunRequest {
        RunRequest {
            trade_date: self.trade_date,
            list: self.what.list.clone(),
            symbols: self.what.symbols.clone(),
            interval: self.interval,
            source: self.source.source,
            ..RunRequest::default()
        }
    }
}

/// Whose bars are collected.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct SourceArgs {
    /// Whose bars: yahoo, or alpaca, which needs a key of yours [default: the stack's parameter Source, yahoo unless it is changed]
    #[arg(long)]
    pub source: Option<MarketSource>,
}

/// The companies, by a list or by hand.
#[derive(Debug, Clone, Default, Args)]
pub struct WhatArgs {
    /// A list of companies in the data bucket [default: companies]
    #[arg(long, value_name = "NAME", conflicts_with = "symbols")]
    pub list: Option<ListName>,
    /// Yahoo ticker symbols, such as BRK-B, separated by commas, in place of a list; a run over them publishes its own files alone
    #[arg(long, value_name = "A,B", value_parser = symbols)]
    pub symbols: Option<SymbolList>,
}

impl WhatArgs {
    /// The list; none where symbols are given.
    pub fn list(&self) -> Option<ListName> {
        self.symbols.is_none().then(|| self.list.clone().unwrap_or_default())
    }

    /// The options as they were given, each with a space before it, to repeat them in another command.
    pub fn options(&self) -> String {
        let symbols = self.symbols.iter().map(|symbols| {
            let symbols: Vec<_> = symbols.iter().map(Symbol::as_str).collect();
            format!(" --symbols {}", symbols.join(","))
        });
        self.list.iter().map(|list| format!(" --list {list}")).chain(symbols).collect()
    }
}

#[derive(Debug, Clone, Default, Args)]
pub struct OutArgs {
    /// The folder for a day's hourly_extremes.csv and report.html; {date} stands for the trade date, and is added for several days
    #[arg(long = "out", value_name = "DIR", default_value_t, value_parser = PathBufValueParser::new().map(OutFolder::from))]
    pub folder: OutFolder,
}

/// What becomes of the files of a run.
#[derive(Debug, Clone, Default, Args)]
pub struct ResultArgs {
    #[command(flatten)]
    pub out: OutArgs,
    /// Open the report in the browser
    #[arg(long)]
    pub open: bool,
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Query Yahoo, or Alpaca with --source, instead of the simulated market; all waits then last as long as on AWS, so that a run takes minutes
    #[arg(long, conflicts_with = "rules")]
    pub live: bool,
    /// Show the open session instead of a finished one: ticks bring the bars of ten coins, which trade at every hour, to a stream, a board and SQL
    #[arg(long, conflicts_with_all = ["live", "trade_date", "list", "symbols", "interval", "source", "folder", "open", "json"])]
    pub stream: bool,
    /// With --stream: how many ticks, 1 to 60; the first is at once, and each of the others at a full minute
    #[arg(long, value_name = "N", requires = "stream", default_value_t = 3, value_parser = value_parser!(u8).range(1..=60))]
    pub ticks: u8,
    #[command(flatten)]
    pub faults: FaultArgs,
    #[command(flatten)]
    pub request: RequestArgs,
}

#[derive(Debug, Subcommand)]
pub enum LocalCommand {
    /// Deploy the stack on this machine, with the simulated market unless another is named
    Up(Box<UpArgs>),
    /// Stop the local cloud; what it holds is kept for the next `up`
    Down(DownArgs),
    /// Show whether the local cloud is up, and its addresses
    Status,
}

#[derive(Debug, Args)]
pub struct UpArgs {
    /// The market to query, such as https://query2.finance.yahoo.com [default: the simulated market]
    #[arg(long, value_name = "URL", value_parser = market_url, conflicts_with = "rules")]
    pub market_url: Option<Url>,
    /// Whose bars a run collects unless it names another source: yahoo, or alpaca, by the key of APCA_API_KEY_ID and APCA_API_SECRET_KEY where prices are real [default: yahoo]
    #[arg(long)]
    pub source: Option<MarketSource>,
    #[command(flatten)]
    pub faults: FaultArgs,
    /// Length of the state machine's waits, as a fraction from 0 to 1 of their length on AWS [default: 0.02, and 1 where the market is Yahoo]
    #[arg(long, value_name = "F", value_parser = wait_scale)]
    pub wait_scale: Option<f64>,
    /// Let the schedules start runs: the pipeline after each close, the watch the morning after
    #[arg(long)]
    pub schedules: bool,
    /// Deploy with Live=ENABLED: ticks that collect the open session onto a stream, which start with --schedules or by hand
    #[arg(long)]
    pub live: bool,
}

#[derive(Debug, Args)]
pub struct DownArgs {
    /// Delete what the local cloud holds, too: bars, exports, executions. The next `up` starts from nothing
    #[arg(long)]
    pub delete: bool,
    /// Delete without asking
    #[arg(long, requires = "delete")]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct MarketArgs {
    /// The port on 127.0.0.1; 0 picks a free one
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    #[command(flatten)]
    pub faults: FaultArgs,
}

#[derive(Debug, Clone, Default, Args)]
pub struct FaultArgs {
    /// Inject a fault into the simulated market (repeatable): META=not-found, or *=reset for every symbol
    ///
    /// For a while only: META=reset:3 for the symbol's first three requests, META=reset:3.. for those after them,
    /// *=forbidden:90s for the first 90 seconds.
    /// For the list of faults, name one that does not exist: META=help.
    #[arg(long = "fault", value_name = "RULE", verbatim_doc_comment)]
    pub rules: Vec<FaultRule>,
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// The day: latest, the newest session that has ended; yesterday, in New York; or a date as YYYY-MM-DD [default: latest]
    #[arg(value_parser = day::day, conflicts_with = "trade_date")]
    pub day: Option<Day>,
    #[command(flatten)]
    pub request: RequestArgs,
    #[command(flatten)]
    pub target: TargetArgs,
}

impl RunArgs {
    /// The input of the execution, for a command that is given at `now`.
    pub fn request(&self, now: Timestamp) -> RunRequest {
        let request = self.request.request();
        RunRequest { trade_date: self.day.and_then(|day| day.trade_date(now)).or(request.trade_date), ..request }
    }
}

#[derive(Debug, Args)]
pub struct FollowArgs {
    /// The execution's name, as `finstream run` and the Step Functions console show it
    #[arg(value_parser = execution_name)]
    pub execution: String,
    #[command(flatten)]
    pub result: ResultArgs,
    #[command(flatten)]
    pub target: TargetArgs,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// How many executions, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = value_parser!(u16).range(1..=1_000))]
    pub limit: u16,
    #[command(flatten)]
    pub target: TargetArgs,
}

#[derive(Debug, Args)]
pub struct ListsArgs {
    #[command(subcommand)]
    pub command: Option<ListsCommand>,
    #[command(flatten)]
    pub target: TargetArgs,
}

#[derive(Debug, Subcommand)]
pub enum ListsCommand {
    /// Show the companies of a list
    Show {
        /// The list
        name: ListName,
    },
    /// Change a list in the editor that VISUAL or EDITOR names
    Edit {
        /// The list
        name: ListName,
    },
    /// Write a list from a file, unless a line of it is wrong
    Push {
        /// The list
        name: ListName,
        /// The file, in TOML as `lists pull companies` writes it, or, where its name ends in .csv, in CSV
        file: PathBuf,
    },
    /// Write the file of a list to this machine
    Pull {
        /// The list
        name: ListName,
        /// The file [default: NAME.toml, or NAME.csv of a list in CSV]
        file: Option<PathBuf>,
    },
    /// Name every bad line of a list, or of a file before it is pushed
    Check {
        /// The list
        name: ListName,
        /// The file to check in place of the list in the data bucket
        file: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub struct BackfillArgs {
    #[command(flatten)]
    pub period: PeriodArgs,
    /// How many days are run at once, 1 to 8; they share one crawler and the market's rate limit
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = value_parser!(u8).range(1..=8))]
    pub concurrency: u8,
    #[command(flatten)]
    pub source: SourceArgs,
    #[command(flatten)]
    pub out: OutArgs,
    #[command(flatten)]
    pub target: TargetArgs,
}

#[derive(Debug, Args)]
pub struct GapsArgs {
    #[command(flatten)]
    pub period: PeriodArgs,
    #[command(flatten)]
    pub target: TargetArgs,
}

#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    pub source: SourceArgs,
    #[command(flatten)]
    pub target: TargetArgs,
}

/// Where a stack is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// The local cloud of this machine.
    Local,
    /// The AWS account and region of the environment.
    Aws,
}

#[derive(Debug, Clone, Default, Args)]
pub struct TargetArgs {
    /// Where the stack is [default: local when a local cloud is up with that stack, otherwise aws]
    #[arg(long, value_name = "PLACE")]
    pub on: Option<On>,
    /// The stack's name [default: finstream]
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,
}

impl TargetArgs {
    /// The options as they were given, each with a space before it, to repeat them in another command.
    pub fn options(&self) -> String {
        let on = self.on.and_then(|on| Some(format!(" --on {}", on.to_possible_value()?.get_name())));
        let stack = self.stack.as_ref().map(|stack| format!(" --stack {stack}"));
        on.into_iter().chain(stack).collect()
    }
}

/// The error type of clap's value parsers.
type ParseError = Box<dyn Error + Send + Sync>;

/// Parses a trade date. It must have begun in some time zone, so that an exchange can have traded on it.
fn trade_date(text: &str) -> Result<TradeDate, ParseError> {
    let date: TradeDate = text.parse()?;
    if date.is_future(Timestamp::now()) {
        return Err(format!("the trade date {date} lies in the future: use a date whose session has ended").into());
    }
    Ok(date)
}

/// Parses `META,SHOP`. Empty items are skipped, an empty list is an error.
fn symbols(text: &str) -> Result<SymbolList, ParseError> {
    let symbols: Vec<Symbol> =
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::parse).collect::<Result<_, _>>()?;
    Ok(SymbolList::try_from(symbols)?)
}

/// Accepts the names that an execution may have.
/// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html>
fn execution_name(text: &str) -> Result<String, ParseError> {
    const MAX_CHARS: usize = 80;
    const SPECIAL: &str = "<>{}[]?*\"#%\\^|~`$&,;:/";
    let allowed = |c: char| !(c.is_whitespace() || c.is_control() || SPECIAL.contains(c));
    if (1..=MAX_CHARS).contains(&text.chars().count()) && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "{text:?} is not an execution's name: use 1 to {MAX_CHARS} characters, no spaces and none of {SPECIAL}"
        )
        .into())
    }
}

fn market_url(text: &str) -> Result<Url, ParseError> {
    let example = format!("use an address such as {YAHOO_URL} or http://127.0.0.1:8080");
    let url = Url::parse(text).map_err(|problem| format!("{problem}: {example}"))?;
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if matches!(url.scheme(), "http" | "https") && plain {
        Ok(url)
    } else {
        Err(format!("not the http or https address of a market: {example}").into())
    }
}

fn wait_scale(text: &str) -> Result<f64, ParseError> {
    let error = || format!("{text:?} is not a fraction: use a number from 0 to 1, for example {DEFAULT_WAIT_SCALE}");
    text.parse().ok().filter(|scale| (0.0..=1.0).contains(scale)).ok_or_else(|| error().into())
}

#[cfg(test)]
mod tests;
