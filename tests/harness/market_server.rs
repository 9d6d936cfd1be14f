//! The simulated market, served by the test process itself.

use anyhow::Context;
use jiff::tz::TimeZone;
use local::cloud::AlpacaKey;
use market_sim::{Key, SimulatedMarket};
use serde_json::Value;
use shared::{Interval, TradeDate};
use tokio::net::TcpListener;

/// A simulated market on a loopback port of its own.
#[derive(Debug)]
pub struct MarketServer {
    /// Its base URL, such as `http://127.0.0.1:40123`.
    pub url: String,
    /// Injects faults and reads the log of requests.
    pub handle: SimulatedMarket,
    http: reqwest::Client,
}

impl MarketServer {
    /// Serves a market until the Tokio runtime ends.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn serve() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let handle = SimulatedMarket::new();
        let (id, secret) = (format!("PK{:016X}", rand::random::<u64>()), format!("{:032x}", rand::random::<u128>()));
        handle.set_key(Key { id, secret });
        tokio::spawn(handle.clone().serve(listener));
        Ok(Self { url, handle, http: reqwest::Client::new() })
    }

    /// The key that its Alpaca side accepts: one of this market alone, so that it can be searched for.
    pub fn alpaca_key(&self) -> AlpacaKey {
        let Key { id, secret } = self.handle.key();
        AlpacaKey { id, secret }
    }

    /// The first series, `chart.result[0]`, of the market's reply for `symbol` on `date`, up to midnight in New York
    /// and from a day before, since a session of Tokyo begins on the evening before.
    ///
    /// # Errors
    /// When the market has no such series.
    pub async fn series(&self, symbol: &str, date: TradeDate, interval: Interval) -> anyhow::Result<Value> {
        let (from, to) = date.midnights(&TimeZone::get("America/New_York")?)?;
        self.chart(symbol, from.as_second() - 86_400, to.as_second(), interval).await
    }

    /// The close before `date`, which begins at midnight in `zone`.
    ///
    /// # Errors
    /// When the market has no such series.
    pub async fn previous_close(&self, symbol: &str, date: TradeDate, zone: &TimeZone) -> anyhow::Result<Option<f64>> {
        let (from, to) = date.midnights(zone)?;
        let series = self.chart(symbol, from.as_second(), to.as_second(), Interval::FiveMinutes).await?;
        Ok(series["meta"]["chartPreviousClose"].as_f64())
    }

    async fn chart(&self, symbol: &str, from: i64, to: i64, interval: Interval) -> anyhow::Result<Value> {
        let url = format!("{}/v8/finance/chart/{symbol}?period1={from}&period2={to}&interval={interval}", self.url);
        let reply: Value = serde_json::from_str(&self.http.get(url).send().await?.text().await?)?;
        reply.pointer("/chart/result/0").cloned().with_context(|| format!("no series for {symbol}: {reply}"))
    }
}
