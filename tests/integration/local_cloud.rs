//! `finstream local`: what the local cloud holds outlives its processes, however they end, and nothing is deployed twice.

use std::{fs, net::TcpListener, process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use harness::{OutFolder, ProgramOutput, Subscriber, Tools, execution_is_saved, kill_server};
use local::LocalCloud;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::{Context, trials};

trials![
    its_data_survives_a_stop_and_a_kill,
    a_run_that_is_killed_with_the_server_alerts,
    an_interrupted_deployment_is_made_up_for,
    data_that_cannot_be_used_is_refused_until_it_is_deleted,
    the_server_is_patched_as_its_own_tests_say,
];

/// The local cloud of a user: at a home of its own, with the waits of a test.
struct User<'a> {
    tools: &'a Tools,
    home: tempfile::TempDir,
}

impl<'a> User<'a> {
    fn new(tools: &'a Tools) -> Result<Self> {
        let home = tempfile::Builder::new().prefix("test-cloud-").tempdir_in(tools.root.join("target"))?;
        Ok(Self { tools, home })
    }

    async fn types(&self, args: &[&str]) -> Result<ProgramOutput> {
        self.tools.finstream_at(self.home.path(), args).await
    }

    /// Types a command that must succeed, with or without every bar, and returns what it prints.
    async fn succeeds(&self, args: &[&str]) -> Result<String> {
        let run = self.types(args).await?;
        ensure!(run.has_result(), "{args:?} ended with {}: {}", run.code, run.text);
        Ok(run.text)
    }

    /// Brings the local cloud up; the state machine's waits last `wait_scale` of what they last on AWS.
    async fn up(&self, wait_scale: &str) -> Result<(LocalCloud, String)> {
        let text = self.succeeds(&["local", "up", "--wait-scale", wait_scale]).await?;
        Ok((LocalCloud::find(self.home.path()).context("it is not up")?, text))
    }

    /// Types a command that brings the local cloud up, and kills it while it deploys.
    async fn is_interrupted_while_deploying(&self, args: &[&str]) -> Result<()> {
        let mut command = self.tools.finstream_command(self.home.path());
        let mut child = command.args(args).stderr(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true).spawn()?;
        let mut lines = BufReader::new(child.stderr.take().context("no output")?).lines();
        while let Some(line) = lines.next_line().await? {
            if line.contains("deploying template.yaml") {
                // Half-way: uploading the packages takes most of a second, and creating the resources another.
                tokio::time::sleep(Duration::from_secs(1)).await;
                child.kill().await?;
                return Ok(());
            }
        }
        bail!("{args:?} ended before it had deployed anything")
    }
}

impl Drop for User<'_> {
    fn drop(&mut self) {
        if let Some(Err(error)) = LocalCloud::find(self.home.path()).map(LocalCloud::down) {
            eprintln!("a test's local cloud could not be taken down: {error:#}");
        }
    }
}

/// The name of the execution that `finstream run` has started.
fn execution(output: &str) -> Result<&str> {
    output.lines().find_map(|line| line.strip_prefix("execution ")).with_context(|| output.to_owned())
}

async fn its_data_survives_a_stop_and_a_kill(context: Arc<Context>) -> Result<()> {
    let user = User::new(&context.tools)?;
    let (first, text) = user.up("0.01").await?;
    ensure!(text.contains("stack finstream deployed"), "{text}");
    let out = OutFolder::create()?;
    let run =
        async |day: &str| user.succeeds(&["run", "--trade-date", day, "--symbols", "META", "--out", &out.arg()]).await;
    let wednesday = run("2026-11-18").await?;
    let csv = out.read("hourly_extremes.csv")?;

    let down = user.succeeds(&["local", "down"]).await?;
    ensure!(down.contains("what it holds is kept in"), "{down}");
    let (second, text) = user.up("0.01").await?;
    ensure!(text.contains("stack finstream is up to date"), "deployed without a reason: {text}");
    ensure!(second.endpoint == first.endpoint && second.market_url == first.market_url, "{second:?}");
    ensure!(second.outputs == first.outputs, "{:?} became {:?}", first.outputs, second.outputs);

    let thursday = run("2026-11-19").await?;
    execution_is_saved(&second, execution(&thursday)?, "SUCCEEDED").await?;
    kill_server(&second).await?;
    let status = user.succeeds(&["local", "status"]).await?;
    ensure!(status.contains("no local cloud is up"), "{status}");
    let (third, text) = user.up("0.01").await?;
    ensure!(text.contains("stack finstream is up to date") && third.endpoint == first.endpoint, "{text}");

    // Executions and exports of all three are there, the catalog has its partitions, and another run succeeds.
    user.succeeds(&["follow", execution(&wednesday)?, "--out", &out.arg()]).await?;
    ensure!(out.read("hourly_extremes.csv")? == csv, "the CSV of the first run has changed");
    run("2026-11-20").await?;
    let gaps = user.succeeds(&["gaps", "--from", "2026-11-18", "--to", "2026-11-20", "--symbols", "META"]).await?;
    ensure!(gaps.contains("trading days: 3") && gaps.contains("without any bars: 0"), "{gaps}");

    // What is deployed otherwise is deployed again, and an option that is left out is off again.
    let live_outputs = || {
        let cloud = LocalCloud::find(user.home.path()).context("it is not up")?;
        Ok::<_, anyhow::Error>(cloud.outputs.into_keys().filter(|name| name.starts_with("Live")).collect::<Vec<_>>())
    };
    user.succeeds(&["local", "down"]).await?;
    let text = user.succeeds(&["local", "up", "--wait-scale", "0.01", "--schedules", "--live"]).await?;
    ensure!(text.contains("stack finstream deployed") && text.contains("live machine"), "{text}");
    ensure!(live_outputs()?.contains(&"LiveStreamArn".to_owned()), "{:?}", live_outputs()?);
    user.succeeds(&["local", "down"]).await?;
    let text = user.succeeds(&["local", "up", "--wait-scale", "0.01"]).await?;
    ensure!(text.contains("stack finstream deployed") && !text.contains("live machine"), "{text}");
    ensure!(live_outputs()?.is_empty(), "left on: {:?}", live_outputs()?);
    // Four functions, three state machines and the template.
    // But for what the sample event of export-csv names.
    let query = "Contents[?Key != 'query_result.csv' && Key != 'symbols.jsonl'].Key";
    let list = ["s3api", "list-objects-v2", "--bucket", "finstream-deployment", "--query", query];
    let packages = context.tools.aws(&third, &list).await?;
    ensure!(
        packages.as_array().is_some_and(|packages| packages.len() <= 8),
        "packages of former deployments are kept: {packages}"
    );
    Ok(())
}

async fn a_run_that_is_killed_with_the_server_alerts(context: Arc<Context>) -> Result<()> {
    let user = User::new(&context.tools)?;
    let (cloud, _) = user.up("1").await?;
    let subscriber = Subscriber::new(&context.tools, &cloud).await?;
    let machine = cloud.output("StateMachineArn")?;
    let start = ["stepfunctions", "start-execution", "--state-machine-arn", machine, "--name", "killed"];
    let start = [&start[..], &["--input", r#"{"trade_date":"2026-11-20","symbols":["META"]}"#]].concat();
    let started = context.tools.aws(&cloud, &start).await?;
    let arn = started["executionArn"].as_str().context("it did not start")?;
    execution_is_saved(&cloud, "killed", "RUNNING").await?;
    kill_server(&cloud).await?;

    let (cloud, _) = user.up("0.01").await?;
    let describe = ["stepfunctions", "describe-execution", "--execution-arn", arn];
    let killed = context.tools.aws(&cloud, &describe).await?;
    ensure!(killed["status"] == "FAILED" && killed["error"] == "States.ServiceRestart", "{killed}");
    subscriber.receives(&[arn, "is FAILED"]).await?;
    // The day is run again as any other.
    let backfill = ["backfill", "--from", "2026-11-20", "--to", "2026-11-20", "--symbols", "META"];
    let out = OutFolder::create()?;
    let text = user.succeeds(&[&backfill[..], &["--out", &out.arg()]].concat()).await?;
    ensure!(text.contains("exported: 1"), "{text}");
    Ok(())
}

async fn an_interrupted_deployment_is_made_up_for(context: Arc<Context>) -> Result<()> {
    let user = User::new(&context.tools)?;
    user.is_interrupted_while_deploying(&["local", "up"]).await?;
    user.up("0.01").await?;
    let out = OutFolder::create()?;
    let run = ["run", "--trade-date", "2026-11-20", "--symbols", "META", "--out", &out.arg()];
    user.succeeds(&run).await?;
    user.succeeds(&["local", "down"]).await?;

    // Another market is another parameter, so that there is something to deploy.
    user.is_interrupted_while_deploying(&["local", "up", "--market-url", "http://127.0.0.1:9"]).await?;
    let (_, text) = user.up("0.01").await?;
    ensure!(text.contains("stack finstream is up to date"), "half of the other deployment is left: {text}");
    user.succeeds(&run).await?;
    let gaps = user.succeeds(&["gaps", "--from", "2026-11-20", "--to", "2026-11-20", "--symbols", "META"]).await?;
    ensure!(gaps.contains("without any bars: 0"), "{gaps}");
    Ok(())
}

async fn data_that_cannot_be_used_is_refused_until_it_is_deleted(context: Arc<Context>) -> Result<()> {
    let user = User::new(&context.tools)?;
    let (cloud, _) = user.up("0.01").await?;
    let data = user.home.path().join("data");
    user.succeeds(&["local", "down"]).await?;

    let refuses = async |parts: &[&str]| {
        let up = user.types(&["local", "up"]).await?;
        let named = parts.iter().chain(&["local down --delete"]).all(|part| up.text.contains(part));
        ensure!(up.code == 1 && named, "expected {parts:?}, and not {}: {}", up.code, up.text);
        Ok(())
    };
    let port = cloud.endpoint.rsplit(':').next().context("no port")?.parse()?;
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    refuses(&[&format!("port {port} of this machine"), "is taken"]).await?;
    drop(listener);

    let state = data.join("state/glue.json");
    fs::write(&state, "{")?;
    let damaged = user.types(&["local", "up"]).await?;
    ensure!(damaged.code == 1 && damaged.text.contains("glue.json is damaged"), "{}", damaged.text);

    let manifest = data.join("manifest.json");
    let text = fs::read_to_string(&manifest)?.replace("\"ministack\": \"", "\"ministack\": \"0.");
    fs::write(&manifest, &text)?;
    refuses(&["MiniStack 0."]).await?;
    ensure!(fs::read_to_string(&manifest)? == text);

    // Nobody can be asked here.
    let asked = user.types(&["local", "down", "--delete"]).await?;
    ensure!(asked.code == 1 && asked.text.contains("add --yes") && data.exists(), "{}", asked.text);
    user.succeeds(&["local", "down", "--delete", "--yes"]).await?;
    ensure!(!data.exists());
    let (_, text) = user.up("0.01").await?;
    ensure!(text.contains("stack finstream deployed"), "{text}");
    Ok(())
}

/// The unit tests in `local/`, in the local cloud's own Python environment.
async fn the_server_is_patched_as_its_own_tests_say(context: Arc<Context>) -> Result<()> {
    let program = "import sys, unittest; sys.dont_write_bytecode = True; sys.path.insert(0, 'local')\n\
                   unittest.main(module=None, argv=['', 'athena_test', 'bytes_scanned_test', 'lifecycle_test', \
                   'named_queries_test', 'package_test', 'persistence_test', 'schedules_test'])";
    let run = context.tools.python(program, &[]).await?;
    ensure!(run.code == 0 && run.text.contains("OK"), "{}", run.text);
    Ok(())
}
