//! Symbols that are queried under another name, and symbols of other exchanges.

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use shared::{HourlyExtreme, bar::offset_datetime, hourly_extreme, payload::RunOutcome};

use crate::{Context, days::bars_of, trials};

trials![a_class_of_shares_and_a_former_symbol_are_queried_under_yahoos_name, other_exchanges_have_their_own_hours,];

async fn run(context: &Context, date: &str, symbols: &[&str]) -> Result<(RunOutcome, Vec<HourlyExtreme>)> {
    let outcome = context.stack.succeed(&json!({"trade_date": date, "symbols": symbols})).await?;
    let RunOutcome::Exported { csv, .. } = &outcome else { bail!("{outcome:?}") };
    let rows = hourly_extreme::read(context.stack.object(csv).await?.as_bytes())?;
    Ok((outcome, rows))
}

fn of_symbol<'a>(rows: &'a [HourlyExtreme], symbol: &str) -> Vec<&'a HourlyExtreme> {
    rows.iter().filter(|row| row.symbol.as_str() == symbol).collect()
}

async fn a_class_of_shares_and_a_former_symbol_are_queried_under_yahoos_name(context: Arc<Context>) -> Result<()> {
    let (outcome, rows) = run(&context, "2026-08-12", &["BRK.B", "FB", "META", "SQ"]).await?;
    let RunOutcome::Exported { symbols, .. } = outcome else { bail!("not exported") };
    ensure!(symbols.failed.is_empty(), "{symbols:?}");
    for (symbol, queried_as) in [("BRK.B", Some("BRK-B")), ("FB", Some("META")), ("META", None), ("SQ", Some("XYZ"))] {
        let found = symbols.collected.iter().find(|collected| collected.symbol.as_str() == symbol).context(symbol)?;
        ensure!(found.queried_as.as_ref().map(|name| name.as_str()) == queried_as, "{found:?}");
        ensure!(of_symbol(&rows, symbol).len() == 7, "{rows:?}");
    }
    let meta = of_symbol(&rows, "META");
    let as_meta = |row: &HourlyExtreme| HourlyExtreme { symbol: meta[0].symbol.clone(), ..row.clone() };
    ensure!(of_symbol(&rows, "FB").into_iter().map(as_meta).eq(meta.iter().map(|row| (*row).clone())), "{rows:?}");
    for (symbol, name) in [("FB", "Meta Platforms"), ("SQ", "Block")] {
        ensure!(of_symbol(&rows, symbol).iter().all(|row| row.company_name == name), "{rows:?}");
    }
    Ok(())
}

async fn other_exchanges_have_their_own_hours(context: Arc<Context>) -> Result<()> {
    for (date, new_york, london) in [("2026-08-13", "-04:00", "+01:00"), ("2026-02-12", "-05:00", "+00:00")] {
        let (outcome, rows) = run(&context, date, &["7203.T", "VOD.L", "META"]).await?;
        let RunOutcome::Exported { symbols, bars, .. } = outcome else { bail!("not exported") };
        for (symbol, offset, hours, expected) in
            [("7203.T", "+09:00", 9..=15, 66), ("VOD.L", london, 8..=16, 102), ("META", new_york, 9..=15, 78)]
        {
            let found =
                symbols.collected.iter().find(|collected| collected.symbol.as_str() == symbol).context(symbol)?;
            ensure!(found.expected == expected && found.bars + 6 >= expected, "{found:?}");
            let rows = of_symbol(&rows, symbol);
            let shown: BTreeSet<i8> = rows.iter().map(|row| row.hour).collect();
            ensure!(shown == hours.collect(), "{symbol}: {shown:?}");
            for at in rows.iter().flat_map(|row| [&row.datetime_high, &row.datetime_low]) {
                ensure!(offset_datetime::text(at).ends_with(offset), "{symbol} {offset}: {rows:#?}");
            }
            let counted = bars_of(rows.iter().copied());
            ensure!(counted == found.bars, "{counted} bars in the CSV: {found:?}");
            // The hour that Tokyo's lunch break begins and the one it ends in have half of their bars.
            let mut lunch = rows.iter().filter(|row| matches!(row.hour, 11 | 12));
            ensure!(symbol != "7203.T" || lunch.all(|row| row.bars <= 6), "{rows:?}");
        }
        ensure!(bars == symbols.collected.iter().map(|collected| collected.bars).sum::<usize>());
    }
    Ok(())
}
