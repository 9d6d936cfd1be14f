//! Starts the two servers of a local cloud, MiniStack and the market, and waits until each is ready. Both listen on
//! loopback only.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::time::{Instant, sleep};

use super::data::{self, Ports};
use super::process::Running;
use super::{Storage, UpOptions};
use crate::command::Tail;
use crate::python::Environment;

/// How long a server may take to become ready. Usually less than a second; more while Python compiles the packages.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
const READY_REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(25);

/// How long a port may stay in use after the process that used it was killed. Usually some milliseconds.
const FREE_TIMEOUT: Duration = Duration::from_secs(3);

/// How long saving the state may take; usually less than a second.
const SAVE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a crawl takes, in seconds, for `launcher.py`; a real one takes a minute or more.
const CRAWLER_RUN_SECONDS: &str = "0.3";

/// The AWS region that MiniStack emulates.
pub(super) const REGION: &str = "us-east-1";

/// Waits until both ports are free: threads of a process that was killed hold them a moment longer than it is seen.
///
/// # Errors
/// When another program keeps using one of them.
pub(super) async fn wait_until_free(ports: Ports, home: &Path) -> anyhow::Result<()> {
    let deadline = Instant::now() + FREE_TIMEOUT;
    for port in [ports.server, ports.market] {
        while let Err(error) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            if Instant::now() > deadline {
                return Err(error).with_context(|| {
                    format!(
                        "port {port} of this machine, which the local cloud in {} always uses, is taken: end the \
                         program that listens there, or start afresh with `cargo finstream local down --delete`",
                        home.display()
                    )
                });
            }
            sleep(POLL).await;
        }
    }
    Ok(())
}

/// Starts MiniStack and returns it with the address it listens on.
pub(super) async fn start(
    options: &UpOptions,
    home: &Path,
    port: u16,
    python: &Environment,
) -> anyhow::Result<(Running, SocketAddr)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let log = home.join("log/server.log");
    let server = Running::start(&mut launcher(options, home, python, address), &log)?;
    wait_until_ready(&server, &log, "the local cloud", async || is_ready(address).await.then_some(())).await?;
    Ok((server, address))
}

/// The functions inherit the server's environment, so it contains nothing of the user's.
fn launcher(options: &UpOptions, home: &Path, python: &Environment, address: SocketAddr) -> Command {
    let temporary = home.join("tmp");
    let mut command = Command::new(python.program("python"));
    command.arg(options.root.join("local/launcher.py")).current_dir(home).env_clear();
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("TZ", "UTC").env("PYTHONUNBUFFERED", "1");
    command.env("PYTHONDONTWRITEBYTECODE", "1"); // the modules beside the launcher would be compiled into the workspace
    command.env("HOME", &temporary).env("TMPDIR", &temporary);
    let data = match options.storage {
        Storage::Persistent => {
            command.env("PERSIST_STATE", "1").env("S3_PERSIST", "1");
            data::folder(home)
        }
        Storage::Ephemeral => temporary,
    };
    command.env("S3_DATA_DIR", data.join("s3")).env("STATE_DIR", data.join("state"));
    let host = address.ip().to_string();
    command.env("BIND_HOST", &host).env("MINISTACK_HOST", host).env("GATEWAY_PORT", address.port().to_string());
    // Without it the functions would call the real AWS.
    command.env("AWS_ENDPOINT_URL", format!("http://{address}")).env("MINISTACK_REGION", REGION);
    command.env("AUTH", "true").env("IOT_MTLS_ENABLED", "0").env("SFTP_ENABLED", "0");
    command.env("SFN_WAIT_SCALE", options.wait_scale.to_string()).env("CRAWLER_RUN_SECONDS", CRAWLER_RUN_SECONDS);
    command
}

/// Has the server save what it holds.
pub(super) async fn save(endpoint: &str) -> anyhow::Result<()> {
    let saved = client(SAVE_TIMEOUT)?.post(format!("{endpoint}/_finstream/save")).send().await;
    let status = saved.context("the local cloud cannot be asked to save its state")?.status();
    ensure!(status.is_success(), "the local cloud cannot save its state ({status}); its log says why");
    Ok(())
}

/// Starts the program that serves the market and returns it with the URL it announces.
pub(super) async fn start_market(
    program: &Path,
    args: &[String],
    port: u16,
    home: &Path,
) -> anyhow::Result<(Running, String)> {
    let log = home.join("log/market.log");
    let mut command = Command::new(program);
    command.args(args).arg(format!("--port={port}")).current_dir(home);
    let market = Running::start(&mut command, &log)?;
    let url = wait_until_ready(&market, &log, "the simulated market", async || announced(&log)).await?;
    Ok((market, url))
}

fn announced(log: &Path) -> Option<String> {
    let text = std::fs::read_to_string(log).ok()?;
    let (first, _) = text.split_once('\n')?;
    first.trim_end().strip_prefix("listening on ").map(str::to_owned)
}

/// Polls until `probe` returns a value.
///
/// # Errors
/// When the process has ended, or after [`READY_TIMEOUT`].
async fn wait_until_ready<T>(
    running: &Running,
    log: &Path,
    what: &str,
    probe: impl AsyncFn() -> Option<T>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + READY_TIMEOUT;
    loop {
        let is_alive = running.process().is_alive();
        match probe().await {
            Some(ready) if is_alive => return Ok(ready),
            _ if !is_alive => bail!("{what} ended at its start; the last lines of {}:{}", log.display(), tail(log)),
            _ if Instant::now() > deadline => {
                let seconds = READY_TIMEOUT.as_secs();
                bail!("{what} is not ready after {seconds} s; the last lines of {}:{}", log.display(), tail(log))
            }
            _ => sleep(POLL).await,
        }
    }
}

/// The user's proxy settings do not apply to loopback.
fn client(timeout: Duration) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().timeout(timeout).build()
}

async fn is_ready(address: SocketAddr) -> bool {
    let Ok(client) = client(READY_REQUEST_TIMEOUT) else { return false };
    let response = client.get(format!("http://{address}/_ministack/ready")).send().await;
    response.is_ok_and(|response| response.status().is_success())
}

/// The last lines of a log, as an error quotes them.
fn tail(log: &Path) -> Tail {
    let mut tail = Tail::default();
    let text = std::fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().for_each(|line| tail.push(line.to_owned()));
    tail
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    async fn market(script: &str) -> anyhow::Result<String> {
        let home = tempfile::tempdir()?;
        std::fs::create_dir(home.path().join("log"))?;
        let args = ["-c".to_owned(), script.to_owned()];
        let (_running, url) = start_market(Path::new("/bin/sh"), &args, 0, home.path()).await?;
        Ok(url)
    }

    #[tokio::test]
    async fn the_first_line_of_a_market_is_its_address() -> anyhow::Result<()> {
        let script = "printf 'listening on http'; sleep 0.1; echo ://127.0.0.1:81; exec sleep 300";
        assert_eq!(market(script).await?, "http://127.0.0.1:81");
        Ok(())
    }

    #[tokio::test]
    async fn the_error_of_a_market_that_ends_quotes_its_output() -> anyhow::Result<()> {
        let error = market("echo address in use >&2; exit 1").await.err().context("it ended")?.to_string();
        assert!(error.starts_with("the simulated market ended at its start; the last lines of /"), "{error}");
        assert!(error.ends_with("market.log:\n    address in use"), "{error}");
        Ok(())
    }

    #[tokio::test]
    async fn a_port_without_a_server_is_not_ready() -> anyhow::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        drop(listener);
        assert!(!is_ready(address).await);
        Ok(())
    }
}
