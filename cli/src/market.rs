//! `finstream market`: serves the simulated market. The local cloud starts it and reads the address it prints.

use std::{
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use anyhow::Context;
use tokio::net::TcpListener;

/// Serves on 127.0.0.1 until this process ends.
pub async fn serve(port: u16) -> anyhow::Result<ExitCode> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address).await.with_context(|| format!("could not listen on {address}"))?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on http://{}", listener.local_addr()?)?;
    stdout.flush()?;
    local::market::serve(listener).await?;
    Ok(ExitCode::SUCCESS)
}
