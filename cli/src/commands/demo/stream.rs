//! `finstream demo --stream`: an open session. Ticks bring the bars of ten coins, which trade at every hour, to the stream,
//! which the board shows, and to the lake, which a saved query reads.

mod caption;
mod summary;
mod ticks;

use std::{collections::BTreeMap, pin::pin};

use anyhow::bail;
use jiff::Timestamp;
use local::cloud::LIVE;
use shared::MarketSource;
use tokio::sync::watch;

use super::{SIMULATED_WAIT_SCALE, bring_up};
use crate::{
    args::{DemoArgs, ValueArgs},
    aws::target::Target,
    commands::{
        live::{self, End, Selection, Shown},
        local::simulated_market,
        query,
    },
    exit::Exit,
    output::{console::Console, format::pluralize, progress::ProgressDisplay, terminal::Terminal},
};
use caption::Caption;
use summary::OnBoard;
use ticks::Tick;

/// The saved query at the end.
const QUERY: &str = "hourly-extremes-so-far";

const NEXT: &str = "\
next, to collect New York's session while it lasts:
  cargo finstream local up --live --schedules
docs/live.md says what it takes on AWS, and how other programs read the stream";

pub async fn stream(args: DemoArgs, console: &Console, progress: &ProgressDisplay) -> anyhow::Result<Exit> {
    progress.report(&introduction(args.ticks));
    let parameters = BTreeMap::from([(LIVE.to_owned(), "ENABLED".to_owned())]);
    let market = simulated_market(&args.faults.rules)?;
    let cloud = bring_up(market, MarketSource::YAHOO, SIMULATED_WAIT_SCALE, parameters, progress).await?;
    progress.clear();
    let target = Target::local(&cloud)?;
    let mut machine = Target::local(&cloud)?;
    machine.state_machine = target.output("LiveStateMachineArn")?.to_owned();

    let mut ticks = Vec::new();
    let shown = show(&target, &machine, args.ticks, &mut ticks, console).await?;
    if shown.end == End::Interrupted {
        return Ok(Exit::Interrupted);
    }
    let trade_date = match ticks.iter().flat_map(|tick| &tick.answer.trade_dates).max() {
        Some(trade_date) => *trade_date,
        None if shown.end == End::Quit => return Ok(Exit::Done),
        None => bail!("no tick has brought a bar; {}", summary::without_bars(&ticks)),
    };
    let progress = console.progress();
    let values = ValueArgs { trade_date: Some(trade_date), interval: Some(ticks::INTERVAL), ..ValueArgs::default() };
    let query = query::bind_saved(&target, QUERY, &values, &[], &progress).await?;
    let answer = query::run(&target, query, &progress).await?;
    progress.clear();
    let totals = shown.board.totals();
    let delays = shown.board.delays(summary::measured_since(&ticks));
    let on_board = OnBoard { coins: totals.symbols, bars: totals.bars, delays };
    let mut text = answer.text(usize::MAX, Terminal::stdout());
    text.push(&format!("\n{}", summary::of(&ticks, &on_board)));
    console.answer(text, &())?;
    progress.report(&answer.cost());
    progress.report(NEXT);
    Ok(Exit::Done)
}

fn introduction(ticks: u8) -> String {
    let duration = if ticks == 1 { "half a minute".to_owned() } else { pluralize(usize::from(ticks), "minute") };
    let bring = if ticks == 1 { "brings" } else { "bring" };
    let ticks = pluralize(usize::from(ticks), "tick");
    format!(
        "demo: an open session on this machine, in about {duration}: {ticks} {bring} the newest bars of ten coins to a stream, \
         which is shown, and to SQL, which is queried at the end; prices are simulated"
    )
}

/// Shows the stream while the ticks run; the key `q` ends both.
async fn show(
    target: &Target,
    machine: &Target,
    count: u8,
    done: &mut Vec<Tick>,
    console: &Console,
) -> anyhow::Result<Shown> {
    let (sender, caption) = watch::channel(String::new());
    let progress = (!live::is_board(console)).then(|| console.progress());
    let selection = Selection { start: Timestamp::now(), symbols: None, limit: None };
    let mut board = pin!(live::show(target, selection, caption, console));
    let ticks = pin!(ticks::run(machine, count, Caption::new(sender, progress), done));
    tokio::select! {
        result = ticks => result?,
        shown = &mut board => return shown,
    }
    board.await
}
