//! Local servers that a compiled function runs against, and what its process takes, for the benchmarks in `benches/`.
//!
//! They answer at once and check nothing: tests play against the simulated market and the local cloud, benchmarks against
//! these. It is for Linux, since it reads `/proc`.

pub mod aws;
pub mod chart;
pub mod function;
pub mod process;
pub mod query_result;
mod runtime_api;

use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;

/// The User-Agent of every request to the market.
pub const USER_AGENT: &str = "finstream-benches";

/// The most requests to the market at once.
pub const CONCURRENCY: usize = 8;

/// Serves `router` on a loopback port until the Tokio runtime ends.
///
/// # Errors
/// When no port is free.
async fn serve(router: Router) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}
