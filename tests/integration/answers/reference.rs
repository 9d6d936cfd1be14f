//! Reads the days of `reference.txt`, whose first lines describe its format.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use harness::{LakeExport, LakeQuery, Prices};
use jiff::tz::TimeZone;
use shared::{Bar, Symbol};

use super::{Case, collected::Collected};
use crate::Context;

/// A day, the rows that its CSV must have, and the symbols that must be named as restated.
pub struct Day {
    pub title: String,
    pub case: Case,
    rows: String,
    restated: Vec<Symbol>,
}

impl Day {
    /// Verifies that what is exported is as recorded, and equals what is computed.
    pub async fn check(&self, context: &Context) -> Result<()> {
        let LakeExport { csv, restated, .. } = self.case.check(context).await?;
        let rows = csv.split_once('\n').map(|(_, rows)| rows);
        ensure!(rows == Some(&self.rows), "the computed rows are\n{csv}and the recorded ones\n{}", self.rows);
        ensure!(restated == self.restated, "computed as restated: {restated:?}, recorded: {:?}", self.restated);
        Ok(())
    }
}

/// All days of the file.
pub fn days() -> Result<Vec<Day>> {
    let days = include_str!("reference.txt").split("\n== ").skip(1);
    days.map(|text| day(text).with_context(|| format!("reference.txt: {text}"))).collect()
}

fn day(text: &str) -> Result<Day> {
    let mut lines = text.lines().filter(|line| !line.is_empty());
    let title = lines.next().unwrap_or_default().to_owned();
    let query = query(lines.next().and_then(|line| line.strip_prefix("query ")).context("no query")?)?;
    let (mut collected, mut bars, mut rows, mut restated) = (None, Vec::new(), String::new(), Vec::new());
    for line in lines {
        match (line.split_once(' '), &collected) {
            (Some(("row", row)), _) => rows += &format!("{row}\n"),
            (Some(("restated", symbol)), _) => restated.push(symbol.parse()?),
            (Some(("from", of)), _) => collected = Some(collection(&query, of)?),
            (Some(("bar", of)), Some(collected)) => bars.push(bar(collected, of)?),
            (Some(("rising", of)), Some(collected)) => {
                let (open, close) = of.split_once(' ').context("no close")?;
                bars.extend(collected.rising(open.parse()?, close.parse()?)?);
            }
            _ => bail!("{line} is not a line of a day"),
        }
    }
    // Dealt out in turn to three files, so that the bars of an hour are never all in one file.
    let file = |number| bars.iter().skip(number).step_by(3).cloned().collect();
    Ok(Day { title, case: Case { query, files: (0..3).map(file).collect() }, rows, restated })
}

fn query(text: &str) -> Result<LakeQuery> {
    let [run_id, trade_date, interval] = fields(text)?;
    let (trade_date, interval, run_id) = (trade_date.parse()?, interval.parse()?, run_id.parse()?);
    Ok(LakeQuery { trade_date, interval, run_id, failed: BTreeSet::new() })
}

fn collection(query: &LakeQuery, text: &str) -> Result<Collected> {
    let (start, name) = text.split_once(" = ").context("no company name")?;
    let (start, source) = start.split_once(" by ").map_or((start, None), |(start, source)| (start, Some(source)));
    let [run_id, at, interval, zone, currency, symbol] = fields(start)?;
    let source = source.map(str::parse).transpose()?;
    Ok(Collected {
        query: LakeQuery { run_id: run_id.parse()?, interval: interval.parse()?, ..query.clone() },
        at: format!("{}T{at}Z", query.trade_date).parse()?,
        zone: TimeZone::get(zone)?,
        symbol: symbol.to_owned(),
        name: name.to_owned(),
        currency: (currency != "-").then(|| currency.to_owned()),
        previous_close: None,
        source,
    })
}

fn bar(collected: &Collected, text: &str) -> Result<Bar> {
    let [start, open, high, low, close, volume] = fields(text)?;
    let prices = Prices { open: open.parse()?, high: high.parse()?, low: low.parse()?, close: close.parse()? };
    collected.bar(start.parse()?, prices, volume.parse()?)
}

fn fields<const N: usize>(text: &str) -> Result<[&str; N]> {
    let fields: Vec<_> = text.split_whitespace().collect();
    fields.try_into().map_err(|_| anyhow::anyhow!("{text} has not {N} fields"))
}
