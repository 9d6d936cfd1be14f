//! A week of somebody who relies on finstream: scheduled runs over a list, experiments beside them, changes of the list, a
//! day that fails, and a server that is killed in the middle of a run. At its end each publication is the plain answer.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use harness::{
    DEFAULT_COMPANIES, OutFolder, ProgramOutput, Stack, Tools, count_bars, execution_is_saved, expected_from_market,
    poll, published_day,
};
use market_sim::{Fault, FaultDuration, FaultRule};
use serde_json::{Value, json};
use shared::{Interval, Symbol, TradeDate, hourly_extreme};

use crate::{Context, trials};

trials![a_week_ends_with_every_publication_right];

const LIST: &str = "ten";
const WEEK: [&str; 5] = ["2026-11-16", "2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20"];
const MONDAY: &str = WEEK[0];
const TUESDAY: &str = WEEK[1];
const WEDNESDAY: &str = WEEK[2];
const THURSDAY: &str = WEEK[3];
const FRIDAY: &str = WEEK[4];

/// The list after the change of Tuesday: Pinterest has left it, Apple has come.
fn changed() -> Vec<(&'static str, &'static str)> {
    let left = DEFAULT_COMPANIES.into_iter().filter(|(_, symbol)| *symbol != "PINS");
    left.chain([("Apple", "AAPL")]).collect()
}

/// The file of a list.
fn file(companies: &[(&str, &str)]) -> String {
    companies
        .iter()
        .map(|(name, symbol)| format!("[[company]]\nsymbol = \"{symbol}\"\nname = \"{name}\"\n\n"))
        .collect()
}

struct Week<'a> {
    tools: &'a Tools,
    stack: Stack,
    out: OutFolder,
}

async fn a_week_ends_with_every_publication_right(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up_persistent(&context.tools).await?;
    let mut week = Week { tools: &context.tools, stack, out: OutFolder::create()? };
    week.push(&file(&DEFAULT_COMPANIES), 0).await?;
    week.monday().await.context("Monday")?;
    week.tuesday().await.context("Tuesday")?;
    week.wednesday().await.context("Wednesday")?;
    week = week.thursday().await.context("Thursday")?;
    week.friday().await.context("Friday")?;
    week.is_made_whole().await.context("the end of the week")
}

impl Week<'_> {
    /// Runs symbols that were given by hand beside the list: the day's publication stays as it is.
    async fn monday(&self) -> Result<()> {
        self.scheduled(MONDAY).await?;
        self.is_published(MONDAY, &DEFAULT_COMPANIES).await?;
        let one = self.finstream(&["run", MONDAY, "--symbols", "META"]).await?;
        ensure!(one.has_result() && self.saved()?.lines().count() == 8, "{}", one.text);
        let letters = || b'A'..=b'Z';
        let names = letters().flat_map(|a| letters().map(move |b| format!("Q{}{}", char::from(a), char::from(b))));
        let others: Vec<_> = names.take(500).collect();
        let many = self.finstream(&["run", MONDAY, "--symbols", &others.join(",")]).await?;
        ensure!(many.has_result() && self.saved()?.lines().count() == 3_501, "{}", many.text);
        self.is_published(MONDAY, &DEFAULT_COMPANIES).await
    }

    /// Changes the list badly, which leaves the old one in force, and then well.
    async fn tuesday(&self) -> Result<()> {
        let bad = file(&changed()).replace("\"Apple\"", "7").replace("\"META\"", "\"a/b\"");
        let refused = self.push(&bad, 2).await?;
        ensure!(refused.stderr.contains("a/b") && refused.stderr.contains("expected a string"), "{}", refused.text);
        self.scheduled(TUESDAY).await?;
        self.is_published(TUESDAY, &DEFAULT_COMPANIES).await?;
        self.push(&file(&changed()), 0).await.map(drop)
    }

    /// The market has nothing when the schedule starts the run, and is back when somebody runs the day again.
    async fn wednesday(&self) -> Result<()> {
        self.inject(None, Fault::NotFound);
        let (error, _) = self.stack.fail(&schedule_input(WEDNESDAY)).await?;
        self.stack.market.handle.clear(None);
        ensure!(error == "MarketUnavailable", "{error}");
        ensure!(self.stack.published(&published_day(LIST, WEDNESDAY.parse()?)?).await?.is_none());
        let again = self.finstream(&["run", WEDNESDAY, "--list", LIST]).await?;
        ensure!(again.has_result(), "{}", again.text);
        self.is_published(WEDNESDAY, &changed()).await
    }

    /// The server is killed after four symbols, while the market blocks.
    async fn thursday(self) -> Result<Self> {
        let requests = async || self.stack.market.handle.requests().len();
        let before = requests().await;
        let killed = self.stack.start(&schedule_input(THURSDAY)).await?;
        poll("four requests", Duration::from_millis(1), async || Ok((requests().await >= before + 4).then_some(())))
            .await?;
        self.inject(None, Fault::TooManyRequests);
        execution_is_saved(&self.stack.cloud, &killed, "RUNNING").await?;
        let week = Self { stack: self.stack.killed_and_up_again().await?, ..self };
        week.stack.market.handle.clear(None);
        let again = week.finstream(&["run", THURSDAY, "--list", LIST]).await?;
        ensure!(again.has_result() && !again.text.contains("deploying"), "{}", again.text);
        week.is_published(THURSDAY, &changed()).await?;
        Ok(week)
    }

    /// A later run that gets less replaces nothing by it, and says of what it has none.
    async fn friday(&self) -> Result<()> {
        self.scheduled(FRIDAY).await?;
        self.inject(Some("SNAP"), Fault::NotFound);
        let fewer = self.finstream(&["run", FRIDAY, "--list", LIST]).await?;
        self.stack.market.handle.clear(Some(&"SNAP".parse()?));
        ensure!(fewer.code == 3 && fewer.text.contains("SNAP of 20"), "{}", fewer.text);
        self.is_published(FRIDAY, &changed()).await
    }

    /// What the changed list lacks of the first two days is named, and collected.
    async fn is_made_whole(&self) -> Result<()> {
        let gaps = self.gaps().await?;
        for (day, without) in gaps.iter().zip([json!(["AAPL"]), json!(["AAPL"]), json!([]), json!([]), json!([])]) {
            ensure!(day["without"] == without, "{day}");
        }
        let period = ["--list", LIST, "--from", MONDAY, "--to", FRIDAY];
        let backfill = [&["backfill"], &period[..]].concat();
        for done in ["exported: 5", "already done: 5"] {
            let filled = self.finstream(&backfill).await?;
            ensure!(filled.text.contains(done), "{}", filled.text);
        }

        let gaps = self.gaps().await?;
        ensure!(gaps.len() == WEEK.len(), "{gaps:?}");
        for (date, day) in WEEK.iter().zip(gaps) {
            self.is_published(date, &changed()).await?;
            let csv = expected(&self.stack, date.parse()?, &changed()).await?;
            let bars = count_bars(&hourly_extreme::read(csv.as_bytes())?);
            ensure!(day["trade_date"] == *date && day["bars"] == bars && day["without"] == json!([]), "{bars}: {day}");
            let is_whole = bars == 780;
            ensure!((day["missing"] == "nothing") == is_whole, "{bars}: {day}");
        }
        let published = self.stack.keys("exports/").await?;
        ensure!(published.iter().all(|key| key.starts_with("exports/ten/interval=5m/")), "{published:?}");
        self.is_listed().await
    }

    /// `list` tells the week, newest first.
    async fn is_listed(&self) -> Result<()> {
        let listed = self.finstream(&["list", "--json"]).await?;
        let listed: Value = serde_json::from_str(&listed.stdout).with_context(|| listed.text)?;
        let runs = listed["executions"].as_array().context("no executions")?;
        let of = |run: &Value| match run["symbols"].as_array() {
            Some(symbols) => format!("{} by hand", symbols.len()),
            None => run["list"].as_str().unwrap_or_default().to_owned(),
        };
        let described = runs.iter().rev().map(|run| {
            let what = run["trade_date"].as_str().or(run["error"].as_str()).unwrap_or_default();
            format!("{} {what} of {}", run["outcome"].as_str().unwrap_or_default(), of(run))
        });
        let mut described: Vec<_> = described.collect();
        let week = [
            "exported 2026-11-16 of ten",
            "exported 2026-11-16 of 1 by hand",
            "exported 2026-11-16 of 500 by hand",
            "exported 2026-11-17 of ten",
            "failed MarketUnavailable of ten",
            "exported 2026-11-18 of ten",
            "failed States.ServiceRestart of ten",
            "exported 2026-11-19 of ten",
            "exported 2026-11-20 of ten",
            "exported 2026-11-20 of ten",
        ];
        let mut filled = described.split_off(week.len().min(described.len()));
        filled.sort(); // two days at once
        ensure!(described == week, "{described:#?}");
        ensure!(filled == WEEK.map(|date| format!("exported {date} of ten")), "{filled:#?}");
        Ok(())
    }

    /// Pushes the list's file, and expects that exit code.
    async fn push(&self, file: &str, code: i32) -> Result<ProgramOutput> {
        let path = self.out.join("ten.toml");
        std::fs::write(&path, file)?;
        let pushed = self.finstream(&["lists", "push", LIST, &path.display().to_string()]).await?;
        ensure!(pushed.code == code, "{}", pushed.text);
        Ok(pushed)
    }

    /// A run as the schedule starts it an hour and a half after the close.
    async fn scheduled(&self, date: &str) -> Result<()> {
        self.stack.export(&schedule_input(date)).await.map(drop)
    }

    /// The published CSV of the list's day is what the market's own replies give, and so are the copies.
    async fn is_published(&self, date: &str, companies: &[(&str, &str)]) -> Result<()> {
        let day = published_day(LIST, date.parse()?)?;
        let csv = self.stack.published_csv(&day).await?.with_context(|| format!("nothing is published of {date}"))?;
        let expected = expected(&self.stack, date.parse()?, companies).await?;
        ensure!(csv == expected, "{date}\ngot:\n{csv}\nexpected:\n{expected}");
        self.stack.verify_copies(&day).await
    }

    async fn gaps(&self) -> Result<Vec<Value>> {
        let gaps = self.finstream(&["gaps", "--list", LIST, "--from", MONDAY, "--to", FRIDAY, "--json"]).await?;
        let gaps: Value = serde_json::from_str(&gaps.stdout).with_context(|| gaps.text)?;
        gaps["days"].as_array().cloned().context("no days")
    }

    /// The CSV that the last command has saved.
    fn saved(&self) -> Result<String> {
        self.out.read("hourly_extremes.csv")
    }

    fn inject(&self, symbol: Option<&str>, fault: Fault) {
        let symbol = symbol.and_then(|symbol| symbol.parse::<Symbol>().ok());
        self.stack.market.handle.inject(FaultRule { symbol, fault, duration: FaultDuration::Always });
    }

    /// Runs a command on the stack; what it saves is in `self.out`.
    async fn finstream(&self, args: &[&str]) -> Result<ProgramOutput> {
        let (out, saves) = (self.out.arg(), args.iter().any(|arg| ["run", "backfill"].contains(arg)));
        let out = if saves { vec!["--out", &out] } else { vec![] };
        self.tools.finstream_on(&self.stack.cloud, &[args, &out].concat()).await
    }
}

/// The input that the schedule gives on that day.
fn schedule_input(date: &str) -> Value {
    json!({"scheduled_time": format!("{date}T22:30:00Z"), "list": LIST})
}

/// The CSV of those companies, by the market's own replies.
async fn expected(stack: &Stack, date: TradeDate, companies: &[(&str, &str)]) -> Result<String> {
    expected_from_market(&stack.market, date, Interval::FiveMinutes, companies).await
}
