//! The floor of `collect`: the same requests, sent by the same client, with nothing done to the replies.
//!
//! It reads the market's URL and the symbols from its standard input, one a line up to an empty one, writes how many bytes it got,
//! and ends once its input does, so that its process can be measured.

use std::io::{BufRead as _, Write as _, stdin, stdout};

use anyhow::Context;
use benches::{CONCURRENCY, USER_AGENT, chart};
use collect::{Https, RootCertificates, Transport};
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::header::HeaderMap;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut lines = stdin().lock().lines();
    let base = lines.next().context("the market's URL is missing")??;
    let symbols: Vec<_> = lines.by_ref().map_while(Result::ok).take_while(|symbol| !symbol.is_empty()).collect();
    let client = Https::new(USER_AGENT, &RootCertificates::of_system()?)?;
    let reply = async |symbol: String| {
        anyhow::Ok(client.get(chart::url(&base, &symbol, 0, 1).parse()?, HeaderMap::new()).await?)
    };
    let bytes = stream::iter(symbols).map(reply).buffer_unordered(CONCURRENCY);
    let bytes = bytes.try_fold(0, async |sum, reply| Ok(sum + reply.body.len())).await?;
    writeln!(stdout(), "{bytes}")?;
    lines.for_each(drop);
    Ok(())
}
