//! `finstream market`: serves the simulated market. The local cloud starts it and reads the address it prints.

use std::{
    io::Write,
    net::{Ipv4Addr, SocketAddr},
};

use anyhow::Context;
use market_sim::{LoggedRequest, SimulatedMarket};
use tokio::net::TcpListener;

use crate::{args::MarketArgs, exit::Exit};

/// Serves on 127.0.0.1 until this process ends. After the address, every request is a line: time, symbol, status, fault.
pub async fn serve(args: MarketArgs) -> anyhow::Result<Exit> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let listener = TcpListener::bind(address).await.with_context(|| format!("could not listen on {address}"))?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on http://{}", listener.local_addr()?)?;
    stdout.flush()?;
    let market = SimulatedMarket::new().observed_by(log);
    args.faults.rules.into_iter().for_each(|rule| market.inject(rule));
    market.serve(listener).await?;
    Ok(Exit::Done)
}

/// Errors are ignored: a closed standard output is no reason to stop serving.
fn log(request: &LoggedRequest) {
    let _ = writeln!(std::io::stdout(), "{request}");
}
