//! A collection by `collect`, in a process of its own, from its start to its answer; and what it is compared with.

use std::{
    io::Write as _,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use benches::{
    CONCURRENCY, USER_AGENT,
    aws::Aws,
    chart::{Charts, REFERENCE},
    function::Function,
    process::Usage,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::Command,
};

use crate::{
    TRADE_DATE,
    export::{self, Export},
    peer,
};

/// The name of the list that is collected.
const LIST: &str = "benchmark";

/// A run id as the state machine makes it of an execution's name and start: it is in every bar.
pub const RUN_ID: &str = "5f0c2f0e-5ab1-4f0c-9d3c-8f3f0f6b7a21.2021-11-30T223002.417Z";

/// What one program took for the same symbols.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measured {
    /// From the start of its process to the end of its work.
    pub wall: Duration,
    /// What its process took.
    pub usage: Usage,
}

impl Measured {
    /// The quicker one in each regard, and the more modest.
    fn best(self, other: Self) -> Self {
        Self {
            wall: self.wall.min(other.wall),
            usage: Usage {
                cpu: self.usage.cpu.min(other.usage.cpu),
                peak_memory: self.usage.peak_memory.min(other.usage.peak_memory),
            },
        }
    }
}

/// The collections of so many symbols.
#[derive(Debug)]
pub struct Collections {
    /// The number of symbols.
    pub symbols: usize,
    /// The number of bars that were written.
    pub bars: usize,
    /// What was sent to Firehose, in bytes, and what Firehose bills.
    pub payload: (usize, usize),
    /// `collect`.
    pub collect: Measured,
    /// The floor.
    pub floor: Measured,
    /// The peer, where it was measured.
    pub peer: Option<Measured>,
    /// The export of the same symbols.
    pub export: Export,
}

/// Measures `collect`, its floor and the peer, taking turns.
pub async fn measure(
    folder: &Path,
    peer: Option<&Path>,
    (charts, aws): (&Charts, &Aws),
    symbols: usize,
    runs: usize,
) -> anyhow::Result<Collections> {
    let list: String = charts.symbols.iter().take(symbols).map(|symbol| entry(symbol)).collect();
    aws.put(&format!("/benchmark/lists/{LIST}.toml"), list);
    let mut all: Option<Collections> = None;
    for run in 1..=runs {
        eprintln!("{symbols} symbols, run {run} of {runs} …");
        let floor = floor(&folder.join("floor"), charts, symbols).await?;
        let (collect, answer) = collected(&folder.join("collect"), charts, aws).await?;
        let Answer { bars, .. } = Answer::deserialize(&answer)?;
        let sent = aws.take_sent()?;
        ensure!(sent.lines() == bars, "{bars} bars were collected, and {} sent", sent.lines());
        let payload = (sent.payload.len(), sent.billed);
        let export = export::measure(&folder.join("export-csv"), aws, &answer, &sent.payload).await?;
        let peer = match peer {
            Some(python) => Some(peer::measure(python, charts, aws, symbols).await?),
            None => None,
        };
        all = Some(match all {
            None => Collections { symbols, bars, payload, collect, floor, peer, export },
            Some(best) => Collections {
                collect: best.collect.best(collect),
                floor: best.floor.best(floor),
                peer: best.peer.zip(peer).map(|(best, peer)| best.best(peer)),
                export: Export { measured: best.export.measured.best(export.measured), ..export },
                ..best
            },
        });
    }
    all.context("it takes at least one run")
}

fn entry(symbol: &str) -> String {
    format!("[[company]]\nsymbol = \"{symbol}\"\nname = \"{symbol} Inc.\"\n\n")
}

/// What is of interest in the answer of `collect`.
#[derive(Deserialize)]
struct Answer {
    outcome: String,
    bars: usize,
}

/// The variables of `collect`.
pub fn variables(charts: &Charts) -> Vec<(&'static str, String)> {
    vec![
        ("DATA_BUCKET", "benchmark".to_owned()),
        ("DELIVERY_STREAM", "benchmark".to_owned()),
        ("MARKET_URL", charts.url.clone()),
        ("USER_AGENT", USER_AGENT.to_owned()),
        ("MARKET_CONCURRENCY", CONCURRENCY.to_string()),
        ("MARKET_BURST", "1000000".to_owned()),
        ("MARKET_REQUESTS_PER_SECOND", "1000000".to_owned()),
        ("REFERENCE_SYMBOL", REFERENCE.to_owned()),
    ]
}

/// Measures `collect`, and returns its answer. Some symbols lack a bar, as they do with Yahoo.
async fn collected(program: &Path, charts: &Charts, aws: &Aws) -> anyhow::Result<(Measured, Value)> {
    let variables = variables(charts);
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut function = Function::start(program, aws, &variables).await?;
    let event = json!({"trade_date": TRADE_DATE, "list": LIST, "run_id": RUN_ID});
    let (took, answer) = function.invoke(event.to_string()).await?;
    let measured = Measured { wall: function.start + took, usage: function.usage()? };
    let answer = serde_json::from_slice(&answer)?;
    let Answer { outcome, .. } = Answer::deserialize(&answer)?;
    ensure!(["collected", "short"].contains(&&*outcome), "it ended as {outcome}");
    Ok((measured, answer))
}

async fn floor(floor: &Path, charts: &Charts, symbols: usize) -> anyhow::Result<Measured> {
    let mut input = Vec::new();
    writeln!(input, "{}", charts.url)?;
    charts.symbols.iter().take(symbols).try_for_each(|symbol| writeln!(input, "{symbol}"))?;
    writeln!(input)?;
    program(Command::new(floor), &input).await
}

/// Measures a program that reads an input, writes a line once it is done, and ends with its standard input.
pub async fn program(mut command: Command, input: &[u8]) -> anyhow::Result<Measured> {
    let began = Instant::now();
    let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn();
    let program = command.as_std().get_program();
    let mut process = process.with_context(|| format!("cannot start {}", program.display()))?;
    let (stdin, stdout) = (process.stdin.take(), process.stdout.take());
    let (mut stdin, stdout) = stdin.zip(stdout).context("the program has no input or output")?;
    stdin.write_all(input).await?;
    let (mut lines, mut done) = (BufReader::new(stdout), String::new());
    lines.read_line(&mut done).await?;
    let wall = began.elapsed();
    ensure!(!done.is_empty(), "the program ended early: {}", process.wait().await?);
    let usage = Usage::of(process.id().context("the program ended early")?)?;
    drop(stdin);
    lines.read_to_string(&mut done).await?;
    Ok(Measured { wall, usage })
}
