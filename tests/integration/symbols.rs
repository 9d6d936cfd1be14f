//! Symbols that are asked for under another name, and symbols of other exchanges.

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use shared::payload::RunOutcome;

use crate::{Context, days::bars_of, trials};

trials![a_class_of_shares_and_a_former_symbol_are_asked_for_under_yahoos_name, other_exchanges_have_their_own_hours,];

async fn run(context: &Context, date: &str, symbols: &[&str]) -> Result<(RunOutcome, String)> {
    let outcome = context.stack.succeed(&json!({"trade_date": date, "symbols": symbols})).await?;
    let RunOutcome::Exported { csv, .. } = &outcome else { bail!("{outcome:?}") };
    let csv = context.stack.object(csv).await?;
    Ok((outcome, csv))
}

fn rows(csv: &str, symbol: &str) -> Vec<String> {
    let of_symbol = csv.lines().filter(|row| row.split(',').nth(1) == Some(symbol));
    of_symbol.map(|row| row.replace(&format!(",{symbol},"), ",,")).collect()
}

async fn a_class_of_shares_and_a_former_symbol_are_asked_for_under_yahoos_name(context: Arc<Context>) -> Result<()> {
    let (outcome, csv) = run(&context, "2026-08-12", &["BRK.B", "FB", "META", "SQ"]).await?;
    let RunOutcome::Exported { symbols, .. } = outcome else { bail!("not exported") };
    ensure!(symbols.failed.is_empty(), "{symbols:?}");
    for (symbol, asked_as) in [("BRK.B", Some("BRK-B")), ("FB", Some("META")), ("META", None), ("SQ", Some("XYZ"))] {
        let found = symbols.collected.iter().find(|collected| collected.symbol.as_str() == symbol).context(symbol)?;
        ensure!(found.asked_as.as_ref().map(|name| name.as_str()) == asked_as, "{found:?}");
        ensure!(rows(&csv, symbol).len() == 7, "{csv}");
    }
    ensure!(rows(&csv, "FB") == rows(&csv, "META"), "{csv}");
    ensure!(csv.contains("Meta Platforms,FB,") && csv.contains("Block,SQ,"), "{csv}");
    Ok(())
}

async fn other_exchanges_have_their_own_hours(context: Arc<Context>) -> Result<()> {
    for (date, new_york, london) in [("2026-08-13", "-04:00", "+01:00"), ("2026-02-12", "-05:00", "+00:00")] {
        let (outcome, csv) = run(&context, date, &["7203.T", "VOD.L", "META"]).await?;
        let RunOutcome::Exported { symbols, bars, .. } = outcome else { bail!("not exported") };
        for (symbol, offset, hours, expected) in
            [("7203.T", "+09:00", 9..=15, 66), ("VOD.L", london, 8..=16, 102), ("META", new_york, 9..=15, 78)]
        {
            let found =
                symbols.collected.iter().find(|collected| collected.symbol.as_str() == symbol).context(symbol)?;
            ensure!(found.expected == expected && found.bars + 6 >= expected, "{found:?}");
            let rows = rows(&csv, symbol);
            let shown: BTreeSet<i32> = rows.iter().filter_map(|row| row.split(',').nth(3)?.parse().ok()).collect();
            ensure!(shown == hours.collect(), "{symbol}: {shown:?}");
            ensure!(rows.iter().all(|row| row.matches(offset).count() == 2), "{symbol} {offset}: {rows:#?}");
            let counted = bars_of(rows.iter().map(String::as_str));
            ensure!(counted == found.bars, "{counted} bars in the CSV: {found:?}");
            // The hour that Tokyo's lunch break begins and the one it ends in have half of their bars.
            let of_hour = |hour: &str| rows.iter().find(|row| row.split(',').nth(3) == Some(hour)).cloned();
            let lunch =
                ["11", "12"].map(|hour| of_hour(hour).and_then(|row| row.rsplit(',').nth(1)?.parse::<u32>().ok()));
            ensure!(symbol != "7203.T" || lunch.iter().all(|bars| bars.is_some_and(|bars| bars <= 6)), "{lunch:?}");
        }
        ensure!(bars == symbols.collected.iter().map(|collected| collected.bars).sum::<usize>());
    }
    Ok(())
}
