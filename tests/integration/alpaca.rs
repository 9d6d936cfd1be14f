//! Runs over Alpaca, as which the simulated market answers, too: prices, faults of the whole source, and keys that are refused,
//! rotated, missing or wrong, and are never shown.
//!
//! `bad_replies` has what becomes of a single symbol with a fault.

mod keys;
mod prices;
mod search;
mod source_faults;

use anyhow::{Result, ensure};
use harness::{DEFAULT_COMPANIES, ExportedRun, Stack, expected_over};
use serde_json::{Value, json};
use shared::{Interval, MarketSource, TradeDate};

use crate::trials;
use keys::a_key_is_read_when_it_is_needed_and_shown_nowhere;
use prices::{prices_are_those_of_the_plain_answer, symbols_are_spelled_as_alpaca_does_and_unknown_ones_named};
use source_faults::faults_of_the_whole_source_are_waited_out_or_reported;

trials![
    prices_are_those_of_the_plain_answer,
    symbols_are_spelled_as_alpaca_does_and_unknown_ones_named,
    faults_of_the_whole_source_are_waited_out_or_reported,
    a_key_is_read_when_it_is_needed_and_shown_nowhere,
];

/// The input of a run of the default companies over Alpaca.
fn input(trade_date: TradeDate, interval: Interval) -> Value {
    json!({"trade_date": trade_date, "interval": interval, "source": MarketSource::ALPACA})
}

/// Checks that a run exported what the market's own replies say, of the default companies.
async fn verify(stack: &Stack, run: &ExportedRun, interval: Interval) -> Result<()> {
    let expected =
        expected_over(MarketSource::ALPACA, &stack.market, run.trade_date, interval, &DEFAULT_COMPANIES).await?;
    ensure!(run.csv == expected, "{} of {interval}:\n{}\nand not\n{expected}", run.trade_date, run.csv);
    ensure!(run.symbols.failed.is_empty(), "{:?}", run.symbols.failed);
    Ok(())
}
