//! Deploys the template with the AWS CLI, as a user deploys it to AWS, and reads the stack's outputs.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use reqwest::Url;
use serde::Deserialize;
use shared::MarketSource;
use tokio::process::Command;

use super::secret::{ALPACA_SECRET, SecretFile};
use super::{AlpacaKey, LIVE, LocalCloud, SCHEDULE_STATE, SOURCE, Storage, build};
use crate::python::Environment;
use crate::{Progress, command};

/// The bucket for the packaged functions, and for the query result that the sample event of `export-csv` names.
const BUCKET: &str = "finstream-deployment";

/// The result of a deployment.
#[derive(Debug)]
pub(super) struct Deployed {
    pub(super) outputs: BTreeMap<String, String>,
    /// The environment variables of all functions.
    pub(super) environment: BTreeMap<String, String>,
}

/// The template's parameters that differ from those of a deployment to AWS.
pub(super) fn parameters(market_url: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let [data_url, trading_url] = alpaca_urls(market_url);
    let chosen = [
        ("MarketUrl", market_url),
        ("AlpacaDataUrl", data_url),
        ("AlpacaTradingUrl", trading_url),
        ("Architecture", architecture(std::env::consts::ARCH)?),
        // A deployment keeps the values that an earlier one was given.
        (SCHEDULE_STATE, "DISABLED"),
        (LIVE, "DISABLED"),
        (SOURCE, "yahoo"),
        ("RequireTls", "false"), // the local cloud has only http
        ("MarketRequestsPerSecond", requests_per_second(market_url)),
        ("AlpacaRequestsPerMinute", requests_per_minute(market_url)),
    ];
    Ok(chosen.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
}

/// Alpaca's own servers beside a real market; a simulated one answers as Alpaca at its own address.
fn alpaca_urls(market_url: &str) -> [&str; 2] {
    match source_at(market_url) {
        Some(_) => ["https://data.alpaca.markets", "https://paper-api.alpaca.markets"],
        None => [market_url; 2],
    }
}

/// Only a source's own servers need a low request rate.
fn requests_per_second(market_url: &str) -> &'static str {
    if source_at(market_url).is_some() { "1" } else { "1000" }
}

fn requests_per_minute(market_url: &str) -> &'static str {
    if source_at(market_url).is_some() { "200" } else { "100000" }
}

/// The source that a URL's host belongs to.
pub(super) fn source_at(market_url: &str) -> Option<&'static MarketSource> {
    MarketSource::of_host(Url::parse(market_url).ok()?.host_str()?)
}

/// Lambda's name of an architecture, by Rust's name.
fn architecture(rust: &str) -> anyhow::Result<&'static str> {
    match rust {
        "x86_64" => Ok("x86_64"),
        "aarch64" => Ok("arm64"),
        other => bail!("functions run on x86_64 and arm64, and this machine is {other}"),
    }
}

/// Reads what an earlier local cloud has deployed.
pub(super) async fn read(
    cloud: &LocalCloud,
    python: &Environment,
    progress: &dyn Progress,
) -> anyhow::Result<Deployed> {
    Aws { cloud, python, progress }.deployed().await
}

/// Puts a key of Alpaca into its secret.
pub(super) async fn put_secret(
    cloud: &LocalCloud,
    key: Option<&AlpacaKey>,
    python: &Environment,
    progress: &dyn Progress,
) -> anyhow::Result<()> {
    let Some(key) = key else { return Ok(()) };
    let aws = Aws { cloud, python, progress };
    let file = SecretFile::write(&cloud.home.join("tmp"), key)?;
    let value = ["--secret-string", &file.argument()];
    let create = ["secretsmanager", "create-secret", "--name", ALPACA_SECRET].into_iter().chain(value);
    let created = aws.run(aws.command(create)).await;
    match created {
        Err(error) if error.to_string().contains("ResourceExistsException") => {
            let put = ["secretsmanager", "put-secret-value", "--secret-id", ALPACA_SECRET].into_iter().chain(value);
            aws.run(aws.command(put)).await
        }
        created => created,
    }
    .context("the key of Alpaca cannot be put into its secret")
}

/// Packages and deploys the staged template.
pub(super) async fn deploy(
    cloud: &LocalCloud,
    python: &Environment,
    template: &Path,
    progress: &dyn Progress,
) -> anyhow::Result<Deployed> {
    progress.step("deploying template.yaml");
    let aws = Aws { cloud, python, progress };
    let deployed = aws.deploy(template).await.with_context(|| {
        let log = cloud.home.join("log/server.log");
        format!("template.yaml cannot be deployed; the server's log is {}", log.display())
    })?;
    progress.done(&format!("stack {} deployed", cloud.stack));
    Ok(deployed)
}

struct Aws<'a> {
    cloud: &'a LocalCloud,
    python: &'a Environment,
    progress: &'a dyn Progress,
}

impl Aws<'_> {
    fn command<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let home = self.cloud.home.join("tmp");
        let mut command = Command::new(self.python.program("aws"));
        command.args(args).env_clear().envs(self.cloud.environment());
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", &home).env("TMPDIR", home);
        command.env("AWS_PAGER", "").env("PYTHONUTF8", "1");
        command
    }

    async fn deploy(&self, template: &Path) -> anyhow::Result<Deployed> {
        let stage = template.parent().context("the template is in no folder")?;
        let stack = self.cloud.stack.as_str();
        let packaged = stage.join("packaged.yaml");
        self.empty_bucket().await?;
        let mut package = self.command(["cloudformation", "package", "--s3-bucket", BUCKET, "--template-file"]);
        package.arg(template).arg("--output-template-file").arg(&packaged);
        let mut samples = self.command(["s3", "cp", "--recursive", "--only-show-errors"]);
        samples.arg(build::samples(stage)).arg(format!("s3://{BUCKET}/"));
        tokio::try_join!(self.run(package), self.run(samples))?;
        let mut deploy = self.command(["cloudformation", "deploy", "--stack-name", stack, "--s3-bucket", BUCKET]);
        deploy.args(["--no-fail-on-empty-changeset", "--capabilities", "CAPABILITY_IAM"]);
        deploy.arg("--template-file").arg(&packaged).arg("--parameter-overrides");
        deploy.args(self.cloud.parameters.iter().map(|(name, value)| format!("{name}={value}")));
        if let Err(error) = self.run(deploy).await {
            return Err(match self.failure_reasons().await {
                reasons if reasons.is_empty() => error,
                reasons => error.context(format!("resources of the stack failed:{reasons}")),
            });
        }
        self.deployed().await
    }

    /// Creates the bucket, or removes what earlier deployments have put there: nothing refers to it any more.
    async fn empty_bucket(&self) -> anyhow::Result<()> {
        let uri = format!("s3://{BUCKET}");
        self.run(self.command(["s3", "mb", &uri])).await?;
        if self.cloud.storage == Storage::Persistent {
            self.run(self.command(["s3", "rm", &uri, "--recursive", "--only-show-errors"])).await?;
        }
        Ok(())
    }

    async fn deployed(&self) -> anyhow::Result<Deployed> {
        let (outputs, environment) = tokio::try_join!(self.outputs(), self.function_environment())?;
        Ok(Deployed { outputs, environment })
    }

    async fn run(&self, command: Command) -> anyhow::Result<()> {
        command::run(command, self.progress).await
    }

    async fn read<T: for<'a> Deserialize<'a>>(&self, args: &[&str]) -> anyhow::Result<T> {
        let command = self.command(args.iter().copied().chain(["--output", "json"]));
        let output = command::read(command, self.progress).await?;
        serde_json::from_str(&output).with_context(|| format!("aws {} printed unexpected output", args.join(" ")))
    }

    async fn outputs(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let query = "Stacks[0].Outputs[].[OutputKey, OutputValue]";
        let args = ["cloudformation", "describe-stacks", "--stack-name", &self.cloud.stack, "--query", query];
        let pairs: Vec<(String, String)> = self.read(&args).await?;
        let mut outputs: BTreeMap<_, _> = pairs.into_iter().collect();
        if let Some(api) = outputs.get("ApiId") {
            let url = format!("{}/_aws/execute-api/{api}/$default/collect", self.cloud.endpoint);
            outputs.insert("CollectUrl".to_owned(), url);
        }
        Ok(outputs)
    }

    /// The environment variables of all functions, merged.
    async fn function_environment(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let args = ["lambda", "list-functions", "--query", "Functions[].Environment.Variables"];
        let environments: Vec<BTreeMap<String, String>> = self.read(&args).await?;
        Ok(environments.into_iter().flatten().collect())
    }

    /// Why resources of the stack failed, one per line; the output of `aws cloudformation deploy` does not contain it.
    async fn failure_reasons(&self) -> String {
        let query = "StackEvents[?contains(ResourceStatus, 'FAILED')].[LogicalResourceId, ResourceStatusReason]";
        let args = ["cloudformation", "describe-stack-events", "--stack-name", &self.cloud.stack, "--query", query];
        let failed: Vec<(String, Option<String>)> = self.read(&args).await.unwrap_or_default();
        failed.into_iter().map(|(name, why)| format!("\n    {name}: {}", why.unwrap_or_default())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn architectures_are_named_as_lambda_names_them() -> anyhow::Result<()> {
        assert_eq!(architecture("x86_64")?, "x86_64");
        assert_eq!(architecture("aarch64")?, "arm64");
        assert!(architecture("riscv64").is_err_and(|error| error.to_string().ends_with("this machine is riscv64")));
        Ok(())
    }

    #[test]
    fn what_an_earlier_local_cloud_switched_on_is_switched_off() -> anyhow::Result<()> {
        let parameters = parameters("http://127.0.0.1:1")?;
        for (name, value) in [(SCHEDULE_STATE, "DISABLED"), (LIVE, "DISABLED"), (SOURCE, "yahoo")] {
            assert_eq!(parameters.get(name).map(String::as_str), Some(value), "{name}");
        }
        Ok(())
    }

    #[test]
    fn alpaca_is_simulated_where_yahoo_is() -> anyhow::Result<()> {
        for (market, expected) in [
            ("http://127.0.0.1:1", ["http://127.0.0.1:1", "http://127.0.0.1:1", "100000"]),
            (
                "https://query2.finance.yahoo.com",
                ["https://data.alpaca.markets", "https://paper-api.alpaca.markets", "200"],
            ),
        ] {
            let parameters = parameters(market)?;
            let names = ["AlpacaDataUrl", "AlpacaTradingUrl", "AlpacaRequestsPerMinute"];
            assert_eq!(names.map(|name| parameters[name].as_str()), expected);
        }
        Ok(())
    }
}
