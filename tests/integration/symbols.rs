//! Symbols that Yahoo spells differently, and symbols of other exchanges.

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use harness::{ExportedRun, OutFolder, count_bars, verify_csv};
use serde_json::json;
use shared::{HourlyExtreme, Interval, bar::offset_datetime, hourly_extreme};

use crate::{Context, trials};

trials![
    share_classes_and_former_symbols_are_queried_by_yahoos_symbol,
    symbols_of_other_forms_are_collected,
    other_exchanges_have_their_own_hours,
    a_mixed_list_shows_the_currency_of_each_company,
];

async fn run(context: &Context, date: &str, symbols: &[&str]) -> Result<(ExportedRun, Vec<HourlyExtreme>)> {
    let run = context.stack.export(&json!({"trade_date": date, "symbols": symbols})).await?;
    let rows = hourly_extreme::read(run.csv.as_bytes())?;
    Ok((run, rows))
}

fn of_symbol<'a>(rows: &'a [HourlyExtreme], symbol: &str) -> Vec<&'a HourlyExtreme> {
    rows.iter().filter(|row| row.symbol.as_str() == symbol).collect()
}

async fn share_classes_and_former_symbols_are_queried_by_yahoos_symbol(context: Arc<Context>) -> Result<()> {
    let (ExportedRun { symbols, .. }, rows) = run(&context, "2026-08-12", &["BRK.B", "FB", "META", "SQ"]).await?;
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

/// A pair of currencies is one instrument with two names, a class of shares of Toronto has a dash, and an index of Mumbai
/// underscores.
async fn symbols_of_other_forms_are_collected(context: Arc<Context>) -> Result<()> {
    let (ExportedRun { symbols, .. }, rows) =
        run(&context, "2026-08-14", &["USDJPY=X", "JPY=X", "RCI.B.TO", "NIFTY_FIN_SERVICE.NS"]).await?;
    ensure!(symbols.failed.is_empty(), "{symbols:?}");
    let prices = |symbol: &str| {
        let rows = of_symbol(&rows, symbol).into_iter();
        rows.map(|row| (row.highest_hourly_price.get(), row.lowest_hourly_price.get())).collect::<Vec<_>>()
    };
    ensure!(prices("USDJPY=X") == prices("JPY=X") && !prices("JPY=X").is_empty(), "{rows:?}");
    let toronto = symbols.collected.iter().find(|collected| collected.symbol.as_str() == "RCI.B.TO");
    ensure!(toronto.and_then(|it| it.queried_as.as_ref()).is_some_and(|it| it.as_str() == "RCI-B.TO"), "{toronto:?}");
    Ok(())
}

async fn other_exchanges_have_their_own_hours(context: Arc<Context>) -> Result<()> {
    for (date, new_york, london) in [("2026-08-13", "-04:00", "+01:00"), ("2026-02-12", "-05:00", "+00:00")] {
        let (ExportedRun { symbols, bars, .. }, rows) = run(&context, date, &["7203.T", "VOD.L", "META"]).await?;
        for (symbol, offset, hours, expected) in
            [("7203.T", "+09:00", 9..=15, 66), ("VOD.L", london, 8..=16, 102), ("META", new_york, 9..=15, 78)]
        {
            let found =
                symbols.collected.iter().find(|collected| collected.symbol.as_str() == symbol).context(symbol)?;
            ensure!(found.expected == Some(expected) && found.bars + 6 >= expected, "{found:?}");
            let rows = of_symbol(&rows, symbol);
            let shown: BTreeSet<i8> = rows.iter().map(|row| row.hour).collect();
            ensure!(shown == hours.collect(), "{symbol}: {shown:?}");
            for at in rows.iter().flat_map(|row| [&row.datetime_high, &row.datetime_low]) {
                ensure!(offset_datetime::text(at).ends_with(offset), "{symbol} {offset}: {rows:#?}");
            }
            let counted = count_bars(rows.iter().copied());
            ensure!(counted == found.bars, "{counted} bars in the CSV: {found:?}");
            // The hours in which Tokyo's lunch break begins and ends have half of their bars.
            let mut lunch = rows.iter().filter(|row| matches!(row.hour, 11 | 12));
            ensure!(symbol != "7203.T" || lunch.all(|row| row.bars <= 6), "{rows:?}");
        }
        ensure!(bars == symbols.collected.iter().map(|collected| collected.bars).sum::<usize>());
    }
    Ok(())
}

/// London in pence, Tokyo in yen and New York in dollars: in the CSV, in the report, in the table of a run and in that of
/// `gaps`.
async fn a_mixed_list_shows_the_currency_of_each_company(context: Arc<Context>) -> Result<()> {
    let date = "2026-08-18";
    let (ExportedRun { csv, report, .. }, rows) = run(&context, date, &["7203.T", "VOD.L", "META"]).await?;
    let companies = [("7203.T (simulated)", "7203.T"), ("VOD.L (simulated)", "VOD.L"), ("Meta Platforms", "META")];
    verify_csv(&context.stack.market, date.parse()?, Interval::FiveMinutes, &companies, &csv).await?;
    let page = context.stack.object(&report).await?;
    let listed = [("7203.T", "JPY"), ("VOD.L", "GBp"), ("META", "USD")];
    for (symbol, currency) in listed {
        let rows = of_symbol(&rows, symbol);
        ensure!(rows.len() >= 7 && rows.iter().all(|row| row.currency.as_deref() == Some(currency)), "{rows:#?}");
        ensure!(page.contains(&format!("<b>{symbol}</b>")), "the report lacks {symbol}");
        ensure!(page.contains(&format!(" <small>{currency}</small><td")), "the report lacks {symbol} in {currency}");
    }
    ensure!(page.contains("(GBp: pence, 1/100 GBP)"), "the report does not explain GBp");

    let out = OutFolder::create()?;
    let args = ["run", "--trade-date", date, "--symbols", "7203.T,VOD.L,META", "--out", &out.arg()];
    let shown = context.tools.finstream_on(&context.stack.cloud, &args).await?;
    for (symbol, currency) in listed {
        let line = shown.stdout.lines().find(|line| line.starts_with(&format!("{symbol} ")));
        let has_currency = line.is_some_and(|line| line.split_whitespace().any(|cell| cell == currency));
        ensure!(shown.has_result() && has_currency, "the table lacks {symbol} in {currency}:\n{}", shown.text);
    }
    ensure!(shown.stdout.contains(" GBp: pence, 1/100 GBP\n"), "{}", shown.text);
    let args = ["gaps", "--from", date, "--to", date, "--symbols", "7203.T,VOD.L,META"];
    let shown = context.tools.finstream_on(&context.stack.cloud, &args).await?;
    let all = ["GBp,\u{a0}JPY,\u{a0}USD", "\nGBp: pence, 1/100 GBP\n"].iter().all(|text| shown.text.contains(text));
    ensure!(shown.has_result() && all, "{}", shown.text);
    Ok(())
}
