//! The peer: yfinance and boto3, which fetch the same charts and send the same bars.

use std::path::Path;

use anyhow::ensure;
use benches::{aws::Aws, chart::Charts};
use tokio::process::Command;

use crate::{
    TRADE_DATE,
    collection::{self, Measured, RUN_ID},
};

/// Measures benches/peer/collect.py, run by a Python that has its requirements.
pub async fn measure(python: &Path, charts: &Charts, aws: &Aws, symbols: usize) -> anyhow::Result<Measured> {
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peer/collect.py"));
    command.args([&charts.url, &aws.firehose, TRADE_DATE, RUN_ID]).args(charts.symbols.iter().take(symbols));
    let measured = collection::program(command, b"").await?;
    let bars = aws.take_sent()?.lines();
    ensure!(bars >= 77 * symbols, "the peer sent {bars} bars of {symbols} symbols");
    Ok(measured)
}
