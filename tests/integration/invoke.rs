//! Each function by hand: `cargo lambda watch`, and `cargo lambda invoke` with the event files.

use std::{net::TcpListener, process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use shared::payload::{CollectOutcome, Collection};
use tokio::process::Child;

use crate::{Context, trials};

trials![every_function_answers_cargo_lambda_invoke];

/// The emulator of `cargo lambda watch`, with the settings of the tests' stack.
struct Watch {
    port: String,
    server: Child,
}

impl Drop for Watch {
    /// Ends the emulator with the functions it started, which are in its process group.
    fn drop(&mut self) {
        if let Some(id) = self.server.id() {
            let ended = std::process::Command::new("kill").args(["-TERM", "--", &format!("-{id}")]).status();
            assert!(ended.is_ok_and(|status| status.success()), "cargo lambda watch could not be ended");
        }
    }
}

impl Watch {
    fn start(context: &Context) -> Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port().to_string();
        let settings = context.stack.cloud.home.join("env").to_string_lossy().into_owned();
        let server = context
            .tools
            .command("cargo-lambda")
            .args([
                "lambda",
                "watch",
                "--release",
                "--ignore-changes",
                "--invoke-address",
                "127.0.0.1",
                "--invoke-port",
                &port,
            ])
            .args(["--env-file", &settings])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self { port, server })
    }

    /// What a function answers to an event.
    async fn invoke(&self, context: &Context, function: &str, event: &[&str]) -> Result<Value> {
        let text = self.run(context, function, event).await?;
        serde_json::from_str(text.trim()).with_context(|| format!("{function} answered {text}"))
    }

    /// What `cargo lambda invoke` prints, once the emulator is there to answer.
    async fn run(&self, context: &Context, function: &str, event: &[&str]) -> Result<String> {
        for _ in 0..120 {
            let place = ["--invoke-address", "127.0.0.1", "--invoke-port", &self.port];
            let args = [["lambda", "invoke", function].as_slice(), &place, event].concat();
            let run = context.tools.tool("cargo-lambda", &args).await?;
            if !run.text.contains("error sending request") {
                return Ok(run.text);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        bail!("cargo lambda watch does not answer on port {}", self.port)
    }
}

async fn every_function_answers_cargo_lambda_invoke(context: Arc<Context>) -> Result<()> {
    let watch = Watch::start(&context)?;
    let invoke = async |function: &str, event: &str| {
        let file = format!("functions/{function}/events/{event}.json");
        watch.invoke(&context, function, &["--data-file", &file]).await
    };
    for event in ["day", "scheduled"] {
        let collected = invoke("collect", event).await?;
        // A symbol lacks a bar that day, so that it is to be asked for once more.
        ensure!(collected["outcome"] == "short" && collected["trade_date"] == "2026-11-20", "{event}: {collected}");
    }
    let answered = invoke("collect", "http").await?;
    ensure!(answered["statusCode"] == 200, "{answered}");

    // From here on each answer goes into the next event, as the state machine does it.
    let short = json!({"collection": invoke("collect", "day").await?}).to_string();
    let collection = watch.invoke(&context, "collect", &["--data-ascii", &short]).await?;
    let collection: Collection = serde_json::from_value(collection)?;
    ensure!(collection.outcome == CollectOutcome::Collected, "{collection:?}");
    // The other tests' executions start the same crawler.
    let mut started = invoke("start-crawler", "start").await?;
    for _ in 0..50 {
        if started["start"] != "already_running" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        started = invoke("start-crawler", "start").await?;
    }
    ensure!(started["start"] == "started", "{started}");
    let crawler = ["glue", "get-crawler", "--name", context.stack.cloud.output("CrawlerName")?];
    poll(&context, &crawler, "/Crawler/State", "READY").await?;
    let sample = invoke("run-query", "query").await?;
    ensure!(sample["query_execution_id"].is_string(), "{sample}");
    let request = json!({"trade_date": collection.trade_date, "interval": collection.interval, "run_id": collection.run_id,
        "client_request_token": "a-token-of-at-least-32-characters"});
    let query = watch.invoke(&context, "run-query", &["--data-ascii", &request.to_string()]).await?;
    let id = query["query_execution_id"].as_str().context("no query")?;
    let get = ["athena", "get-query-execution", "--query-execution-id", id];
    let done = poll(&context, &get, "/QueryExecution/Status/State", "SUCCEEDED").await?;
    let result = &done["QueryExecution"]["ResultConfiguration"]["OutputLocation"];
    let request = json!({"collection": collection, "query_result": result});
    let export = watch.invoke(&context, "export-csv", &["--data-ascii", &request.to_string()]).await?;
    ensure!(export["outcome"] == "exported" && export["rows"] == 14, "{export}");
    // The sample event names a result that this stack does not have, and hears so.
    let file = ["--data-file", "functions/export-csv/events/export.json"];
    let missing = watch.run(&context, "export-csv", &file).await?;
    ensure!(missing.contains("InvalidResult") || missing.contains("AccessDenied"), "{missing}");
    Ok(())
}

/// Asks the local cloud until `pointer` of the answer is `value`.
async fn poll(context: &Context, args: &[&str], pointer: &str, value: &str) -> Result<Value> {
    for _ in 0..30 {
        let answer: Value = serde_json::from_str(&context.tools.aws(&context.stack.cloud, args).await?)?;
        if answer.pointer(pointer).is_some_and(|found| found == value) {
            return Ok(answer);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    bail!("{} never answered {value} at {pointer}", args.join(" "))
}
