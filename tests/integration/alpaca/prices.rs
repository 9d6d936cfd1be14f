//! The prices of a run over Alpaca, and its symbols.

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Result, ensure};
use harness::{DEFAULT_COMPANIES, verify_csv};
use serde_json::json;
use shared::{Interval, MarketSource, TradeDate, payload::Reason};

use super::{input, verify};
use crate::Context;

/// Days whole and half, before and after a change of New York's clock.
const DAYS: [(&str, Interval); 6] = [
    ("2019-11-29", Interval::OneHour),
    ("2019-03-08", Interval::OneHour),
    ("2019-03-11", Interval::TwoMinutes),
    ("2019-07-03", Interval::FiveMinutes),
    ("2019-11-04", Interval::FifteenMinutes),
    ("2019-06-20", Interval::OneMinute),
];

pub async fn prices_are_those_of_the_plain_answer(context: Arc<Context>) -> Result<()> {
    let stack = &context.stack;
    for (date, interval) in DAYS {
        let run = stack.export(&input(date.parse()?, interval)).await?;
        verify(stack, &run, interval).await?;
        let bars = stack.lake(date).await?.concat();
        let sources: BTreeSet<_> =
            bars.iter().filter(|bar| bar.interval == interval).map(|bar| (bar.source, bar.feed.clone())).collect();
        let expected = BTreeSet::from([(Some(MarketSource::ALPACA), Some("sip".into()))]);
        ensure!(sources == expected, "{date}: {sources:?}");
    }
    the_newest_source_decides(&context).await
}

/// A day that both sources collected is of one of them, although they agree in every price.
async fn the_newest_source_decides(context: &Context) -> Result<()> {
    let (stack, date) = (&context.stack, "2019-05-10".parse::<TradeDate>()?);
    for _ in 0..2 {
        let yahoos = stack.export(&json!({"trade_date": date, "source": MarketSource::YAHOO})).await?;
        verify_csv(&stack.market, date, Interval::FiveMinutes, &DEFAULT_COMPANIES, &yahoos.csv).await?;
        verify(stack, &stack.export(&input(date, Interval::FiveMinutes)).await?, Interval::FiveMinutes).await?;
    }
    Ok(())
}

pub async fn symbols_are_spelled_as_alpaca_does_and_unknown_ones_named(context: Arc<Context>) -> Result<()> {
    let symbols = ["META", "BRK.B", "BRK-B", "7203.T", "^GSPC", "ZZTOP"];
    let input = json!({"trade_date": "2019-05-13", "symbols": symbols, "source": MarketSource::ALPACA});
    let run = context.stack.export(&input).await?;
    let collected: Vec<_> = run.symbols.collected.iter().map(|symbol| symbol.symbol.as_str()).collect();
    ensure!(
        collected.iter().collect::<BTreeSet<_>>() == BTreeSet::from([&"META", &"BRK.B", &"BRK-B"]),
        "{collected:?}"
    );
    let failed: Vec<_> = run.symbols.failed.iter().map(|failed| (failed.symbol.as_str(), failed.reason)).collect();
    let expected = ["7203.T", "ZZTOP", "^GSPC"].map(|symbol| (symbol, Reason::UnknownSymbol));
    ensure!(failed.iter().collect::<BTreeSet<_>>() == expected.iter().collect(), "{failed:?}");
    let requested = context.stack.market.handle.requests();
    ensure!(!requested.iter().any(|request| request.symbol.contains("GSPC,") || request.symbol.contains(",^GSPC")));
    Ok(())
}
