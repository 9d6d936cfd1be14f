//! The ways to read the stream of the open session that docs/live.md shows, run as they are written there.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use harness::{Document, Stack, Tools, poll};
use serde_json::{Value, json};
use shared::Bar;

use crate::{Context, recipes::last_writes, trials};

trials![every_reader_of_the_documents_gets_every_bar, a_function_of_the_documents_repeats_from_the_first_failure];

/// Runs a program of the documents, with the local cloud's addresses in its environment and the AWS CLI in its path.
const RUN: &str = r#"
import json, os, subprocess, sys
language, code, environment = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
path = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
os.environ.update(environment, PATH=path, AWS_PAGER="")
program = [sys.executable, "-c", code] if language == "python" else ["sh", "-ec", code]
sys.exit(subprocess.run(program).returncode)
"#;

/// Two ticks collect ten bars of two symbols, two thirds of them twice.
async fn every_reader_of_the_documents_gets_every_bar(context: Arc<Context>) -> Result<()> {
    const DATE: &str = "2026-08-20";
    let stack = Stack::up_with(&context.tools, &[("Live", "ENABLED")]).await?;
    let machine = stack.cloud.output("LiveStateMachineArn")?;
    let mut written = 0;
    for time in ["14:36", "14:41"] {
        let input = json!({"live": true, "scheduled_time": format!("{DATE}T{time}:00Z"), "symbols": ["META", "7203.T", "SHOP"]});
        let start = ["stepfunctions", "start-execution", "--state-machine-arn", machine, "--input", &input.to_string()];
        let started = context.tools.aws(&stack.cloud, &start).await?;
        let arn = started["executionArn"].as_str().context("no execution")?;
        let tick = poll(arn, Duration::from_millis(200), async || {
            let describe = ["stepfunctions", "describe-execution", "--execution-arn", arn];
            let execution = context.tools.aws(&stack.cloud, &describe).await?;
            Ok((execution["status"] != "RUNNING").then_some(execution))
        });
        let tick = tick.await?;
        ensure!(tick["status"] == "SUCCEEDED", "{tick}");
        let output: Value = serde_json::from_str(tick["output"].as_str().unwrap_or_default())?;
        written += output["bars"].as_u64().unwrap_or_default() as usize;
    }
    let lake = poll("the bars in the lake", Duration::from_millis(200), async || {
        let lake = stack.lake(DATE).await?.concat();
        Ok((lake.len() >= written).then_some(lake))
    });
    let lake = lake.await?;
    let last = last_writes(&lake);
    ensure!(written >= 10 && lake.len() == written && last.len() < written, "{} of {written}", last.len());

    let python = run(&context.tools, &stack, "With Python").await?;
    let mut expected = last.iter().map(|bar| line(bar)).collect::<Result<Vec<_>>>()?;
    expected.sort();
    ensure!(python.lines().collect::<Vec<_>>() == expected, "{python}\nexpected: {expected:#?}");

    let cli = run(&context.tools, &stack, "With the AWS CLI").await?;
    let bars = cli.lines().map(serde_json::from_str).collect::<Result<Vec<Bar>, _>>().with_context(|| cli.clone())?;
    ensure!(bars.len() == written && last_writes(&bars) == last, "{cli}");
    Ok(())
}

/// A bar as the program in Python prints it.
fn line(bar: &Bar) -> Result<String> {
    let json = serde_json::to_value(bar)?;
    let text = |field: &str| json[field].as_str().unwrap_or_default().to_owned();
    Ok(format!("{} {} {}", text("symbol"), text("ts"), json["close"]))
}

/// What a program of the documents prints.
async fn run(tools: &Tools, stack: &Stack, heading: &str) -> Result<String> {
    let block = block(tools, heading, &["python", "sh"])?;
    let (language, code) = block.split_once('\n').context("no code")?;
    let environment: serde_json::Map<String, Value> =
        stack.cloud.environment().into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    let environment = Value::Object(environment).to_string();
    let run = tools.python(RUN, &[language, code, &environment]).await?;
    ensure!(run.code == 0, "{heading}: {}", run.text);
    Ok(run.stdout)
}

/// The last block of code below a heading in one of the languages, with its language in the first line.
fn block(tools: &Tools, heading: &str, languages: &[&str]) -> Result<String> {
    let document = Document::read(&tools.root, "docs/live.md")?;
    let (_, text) =
        document.text.split_once(&format!("\n### {heading}\n")).with_context(|| format!("no section {heading}"))?;
    let blocks = text.split("\n### ").next().unwrap_or_default().split("\n```").skip(1).step_by(2);
    let of_languages = |block: &&str| languages.iter().any(|language| block.starts_with(&format!("{language}\n")));
    blocks.filter(of_languages).last().map(str::to_owned).with_context(|| format!("no code below {heading}"))
}

/// Calls the handler of a function, the first argument, with records that hold the texts of the second.
const INVOKE: &str = r#"
import base64, json, sys
exec(sys.argv[1])
data = [base64.b64encode(text.encode()).decode() for text in json.loads(sys.argv[2])]
records = [{"kinesis": {"sequenceNumber": str(at), "data": text}} for at, text in enumerate(data, 1)]
print(json.dumps(handler({"Records": records}, None)))
"#;

async fn a_function_of_the_documents_repeats_from_the_first_failure(context: Arc<Context>) -> Result<()> {
    let block = block(&context.tools, "With a Lambda function", &["python"])?;
    let (_, code) = block.split_once('\n').context("no code")?;
    let bars = r#"{"symbol":"META","ts":"2026-08-20T10:30:00-04:00","close":630.5}
{"symbol":"SHOP","ts":"2026-08-20T10:30:00-04:00","close":121}
"#;
    for (data, failed, printed) in
        [([bars, bars, bars], json!([]), 6), ([bars, "no bar\n", bars], json!([{"itemIdentifier": "2"}]), 2)]
    {
        let run = context.tools.python(INVOKE, &[code, &json!(data).to_string()]).await?;
        let (prints, answer) = run.stdout.trim_end().rsplit_once('\n').with_context(|| run.text.clone())?;
        ensure!(serde_json::from_str::<Value>(answer)? == json!({"batchItemFailures": failed}), "{}", run.text);
        ensure!(prints.lines().filter(|line| line.contains("10:30:00-04:00")).count() == printed, "{}", run.text);
    }
    Ok(())
}
