//! Each function by itself: `cargo lambda watch` runs it, `cargo lambda invoke` sends it events, as the documents show it.

use std::{collections::BTreeSet, net::TcpListener, process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use harness::{Document, documents, poll};
use serde_json::{Value, json};
use shared::payload::{CollectOutcome, Collection};
use tokio::process::Child;

use crate::{Context, trials};

trials![every_function_replies_to_cargo_lambda_invoke, every_invocation_of_the_documents_has_its_answer];

/// The Lambda emulator of `cargo lambda watch`, with the environment of the shared stack.
struct Watch {
    port: String,
    server: Child,
}

impl Drop for Watch {
    /// Ends the emulator and the functions that it started, which are in its process group.
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
        let environment = context.stack.cloud.home.join("env").to_string_lossy().into_owned();
        let server = context
            .tools
            .tool_command("cargo-lambda")
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
            .args(["--env-file", &environment])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self { port, server })
    }

    /// Invokes a function, and returns its reply. The arguments are those behind `cargo lambda invoke`.
    async fn invoke(&self, context: &Context, args: &[&str]) -> Result<Value> {
        let text = self.text(context, args).await?;
        serde_json::from_str(text.trim()).with_context(|| format!("{} replied {text}", args.join(" ")))
    }

    /// What `cargo lambda invoke` prints with these arguments, once the emulator is up.
    async fn text(&self, context: &Context, args: &[&str]) -> Result<String> {
        let address = ["--invoke-address", "127.0.0.1", "--invoke-port", &self.port];
        let args = [&["lambda", "invoke"], args, &address].concat();
        poll("cargo lambda watch", Duration::from_millis(500), async || {
            let run = context.tools.tool("cargo-lambda", &args).await?;
            Ok((!run.text.contains("error sending request")).then_some(run.text))
        })
        .await
    }
}

async fn every_function_replies_to_cargo_lambda_invoke(context: Arc<Context>) -> Result<()> {
    let watch = Watch::start(&context)?;
    let invoke = async |function: &str, event: &str| {
        let file = format!("functions/{function}/events/{event}.json");
        watch.invoke(&context, &[function, "--data-file", &file]).await
    };
    for event in ["day", "scheduled"] {
        let collected = invoke("collect", event).await?;
        // A symbol lacks a bar that day, so that it must be requested once more.
        ensure!(collected["outcome"] == "short" && collected["trade_date"] == "2026-11-20", "{event}: {collected}");
    }
    let probe = invoke("collect", "probe").await?;
    ensure!(probe["market"] == "reachable" && probe["simulated"] == true, "{probe}");
    let reply = invoke("collect", "http").await?;
    ensure!(reply["statusCode"] == 200, "{reply}");

    // From here on each reply is part of the next event, as in the state machine.
    let short = json!({"collection": invoke("collect", "day").await?}).to_string();
    let collection = watch.invoke(&context, &["collect", "--data-ascii", &short]).await?;
    let collection: Collection = serde_json::from_value(collection)?;
    ensure!(collection.outcome == CollectOutcome::Collected, "{collection:?}");
    // The executions of other tests start the same crawler.
    let started = poll("the start of a crawl", Duration::from_millis(100), async || {
        let started = invoke("start-crawler", "start").await?;
        Ok((started["start"] != "already_running").then_some(started))
    })
    .await?;
    ensure!(started["start"] == "started", "{started}");
    let crawler = ["glue", "get-crawler", "--name", context.stack.cloud.output("CrawlerName")?];
    poll_aws(&context, &crawler, "/Crawler/State", "READY").await?;
    let sample = invoke("run-query", "query").await?;
    ensure!(sample["query_execution_id"].is_string(), "{sample}");
    let request = json!({"trade_date": collection.trade_date, "interval": collection.interval, "run_id": collection.run_id,
        "client_request_token": "a-token-of-at-least-32-characters"});
    let query = watch.invoke(&context, &["run-query", "--data-ascii", &request.to_string()]).await?;
    let id = query["query_execution_id"].as_str().context("no query")?;
    let get = ["athena", "get-query-execution", "--query-execution-id", id];
    let query = poll_aws(&context, &get, "/QueryExecution/Status/State", "SUCCEEDED").await?;
    let result = &query["QueryExecution"]["ResultConfiguration"]["OutputLocation"];
    let request = json!({"collection": collection, "query_result": result});
    let export = watch.invoke(&context, &["export-csv", "--data-ascii", &request.to_string()]).await?;
    ensure!(export["outcome"] == "exported" && export["rows"] == 14, "{export}");
    Ok(())
}

async fn every_invocation_of_the_documents_has_its_answer(context: Arc<Context>) -> Result<()> {
    let watch = Watch::start(&context)?;
    let lines = documents(&context.tools.root)?.iter().flat_map(Document::commands).collect::<BTreeSet<_>>();
    let mut exported = None;
    let mut count = 0;
    for line in lines.iter().filter(|line| line.starts_with("cargo lambda invoke ")) {
        let words = shlex::split(line).with_context(|| line.clone())?;
        let args: Vec<_> = words.iter().skip(3).map(String::as_str).collect();
        if line.ends_with("live.json") {
            // The shared stack is one without Live.
            let text = watch.text(&context, &args).await?;
            ensure!(text.contains("InvalidInput") && text.contains("Live=ENABLED"), "{line}: {text}");
            continue;
        }
        let reply = watch.invoke(&context, &args).await?;
        ensure!(reply.get("errorType").is_none() && reply["statusCode"].as_u64().is_none_or(|it| it == 200), "{reply}");
        if words.iter().any(|word| word == "export-csv") {
            exported = Some(reply);
        }
        count += 1;
    }
    ensure!(count >= 7, "only {count} invocations in {lines:#?}");
    // The README shows the answer, with BUCKET in place of the stack's.
    let readme = Document::read(&context.tools.root, "functions/export-csv/README.md")?;
    let answer = readme.section("Answer")?.split("```").nth(1).and_then(|code| code.strip_prefix("json"));
    let shown = answer.context("no answer")?.replace("BUCKET", context.stack.cloud.output("DataBucket")?);
    let exported = exported.context("export-csv is not invoked")?;
    ensure!(
        exported == serde_json::from_str::<Value>(&shown)?,
        "the README shows {shown}, and the answer is {exported}"
    );
    Ok(())
}

/// Repeats a command of the AWS CLI until `pointer` in its output is `value`, and returns the output.
async fn poll_aws(context: &Context, args: &[&str], pointer: &str, value: &str) -> Result<Value> {
    let what = format!("{} with {value} at {pointer}", args.join(" "));
    poll(&what, Duration::from_millis(200), async || {
        let output = context.aws(args).await?;
        Ok(output.pointer(pointer).is_some_and(|found| found == value).then_some(output))
    })
    .await
}
