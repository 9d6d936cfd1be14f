//! A deployed stack, on the local cloud or on AWS. The rest of the program sees no difference between the two but the values
//! in a [`Target`].

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, bail};
use aws_config::SdkConfig;
use aws_sdk_cloudformation::types::Stack;
use aws_sdk_sfn::config::ProvideCredentials;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use local::{LocalCloud, cloud::Storage};
use shared::MarketSource;
use url::Url;

use super::{
    location::{Location, local_config, local_name},
    poll::PollInterval,
    sdk_error::describe,
};
use crate::{
    args::{On, TargetArgs},
    output::{json::Place, progress::ProgressDisplay},
};

/// How long a local cloud may take to answer the first call. It takes milliseconds, unless the machine is very busy.
const LOCAL_TIMEOUT: Duration = Duration::from_secs(20);

/// A deployed stack and the clients that reach it.
pub struct Target {
    /// How messages name it, such as `the local cloud at http://127.0.0.1:4566`.
    pub name: String,
    on: On,
    stack: String,
    /// The options that name it, as they were given, each with a space before it.
    pub options: String,
    /// The ARN of the pipeline's state machine.
    pub state_machine: String,
    pub sfn: aws_sdk_sfn::Client,
    pub s3: aws_sdk_s3::Client,
    pub athena: aws_sdk_athena::Client,
    #[cfg(feature = "live")]
    pub kinesis: aws_sdk_kinesis::Client,
    outputs: BTreeMap<String, String>,
    /// How long the state machine's waits last there, as a fraction of what its definition says.
    pub wait_scale: f64,
    /// Whether what it holds outlives this command.
    pub keeps_data: bool,
    /// How often to poll its services.
    pub poll_interval: PollInterval,
    /// The region whose AWS console shows the executions; `None` on a local cloud.
    pub console_region: Option<String>,
}

impl Target {
    /// The stack at the place that the options name (see [`Location::find`]), which the first line of progress says.
    ///
    /// # Errors
    /// When there is no such place, when it does not answer, or when it does not have the stack; the error says what is
    /// there, and what to do.
    pub async fn find(args: &TargetArgs, progress: &ProgressDisplay) -> anyhow::Result<Self> {
        let location = Location::find(args).await?;
        progress.report(&location.announcement());
        match &location.local {
            Some(cloud) => {
                let target = Self { options: location.options.clone(), ..Self::local(cloud)? };
                target.check_that_it_answers(cloud).await?;
                Ok(target)
            }
            None => Self::aws(location).await,
        }
    }

    /// Looks for the state machine of a local cloud, whose processes may be alive and not answer.
    async fn check_that_it_answers(&self, cloud: &LocalCloud) -> anyhow::Result<()> {
        let call = self.sfn.describe_state_machine().state_machine_arn(&self.state_machine).send();
        let problem = match tokio::time::timeout(LOCAL_TIMEOUT, call).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) if error.as_service_error().is_some() => {
                format!("has no stack {} any more", self.stack)
            }
            _ => "does not answer".to_owned(),
        };
        bail!(
            "{} {problem}: see its logs in {}, and start it anew with `cargo finstream local down` and `cargo finstream local up`, \
             or use --on aws",
            self.name,
            cloud.home.join("log").display()
        )
    }

    /// The stack on a local cloud.
    ///
    /// # Errors
    /// When the stack has no state machine.
    pub fn local(cloud: &LocalCloud) -> anyhow::Result<Self> {
        let config = local_config(cloud);
        Ok(Self {
            name: local_name(cloud),
            on: On::Local,
            stack: cloud.stack.clone(),
            options: String::new(),
            state_machine: cloud.output("StateMachineArn")?.to_owned(),
            sfn: aws_sdk_sfn::Client::new(&config),
            s3: aws_sdk_s3::Client::new(&config),
            athena: aws_sdk_athena::Client::new(&config),
            #[cfg(feature = "live")]
            kinesis: aws_sdk_kinesis::Client::new(&config),
            outputs: cloud.outputs.clone(),
            wait_scale: cloud.wait_scale,
            keeps_data: cloud.storage == Storage::Persistent,
            poll_interval: PollInterval { first: Duration::from_millis(100), longest: Duration::from_millis(300) },
            console_region: None,
        })
    }

    /// The stack in an AWS account and region.
    async fn aws(location: Location) -> anyhow::Result<Self> {
        let Location { name, stack, config, options, .. } = location;
        let region = config.region().map(ToString::to_string).unwrap_or_default();
        check_credentials(&config).await?;
        let outputs = outputs(&aws_sdk_cloudformation::Client::new(&config), &stack, &region).await?;
        let state_machine = outputs.get("StateMachineArn").with_context(|| {
            format!("the stack {stack} in {region} has no output StateMachineArn, so it is not finstream's: name another with --stack")
        })?;
        Ok(Self {
            name,
            on: On::Aws,
            state_machine: state_machine.clone(),
            stack,
            options,
            sfn: aws_sdk_sfn::Client::new(&config),
            s3: aws_sdk_s3::Client::new(&config),
            athena: aws_sdk_athena::Client::new(&config),
            #[cfg(feature = "live")]
            kinesis: aws_sdk_kinesis::Client::new(&config),
            outputs,
            wait_scale: 1.0,
            keeps_data: true,
            poll_interval: PollInterval { first: Duration::from_secs(1), longest: Duration::from_secs(2) },
            console_region: Some(region),
        })
    }

    /// How JSON names it.
    pub fn place(&self) -> Place {
        Place { on: self.on, place: self.name.clone() }
    }

    /// An output of the stack.
    ///
    /// # Errors
    /// When the stack has no output of that name.
    pub fn output(&self, name: &str) -> anyhow::Result<&str> {
        let output = self.outputs.get(name).map(String::as_str);
        output.with_context(|| format!("{} has no output {name}: deploy this version's template.yaml", self.name))
    }

    /// The source of the bars, where its own servers are queried, so that its limits apply: the requested one, else the stack's. None
    /// where another server stands in for it.
    pub fn source(&self, requested: Option<MarketSource>) -> Option<&'static MarketSource> {
        let stacks = || self.outputs.get("Source").and_then(|name| name.parse().ok());
        let source = requested.or_else(stacks).unwrap_or(MarketSource::YAHOO);
        self.queried().find(|queried| **queried == source)
    }

    /// The sources whose own servers are queried when their bars are collected.
    fn queried(&self) -> impl Iterator<Item = &'static MarketSource> {
        let urls = ["MarketUrl", "AlpacaDataUrl"].map(|name| self.outputs.get(name));
        urls.into_iter().flatten().filter_map(|url| MarketSource::of_host(Url::parse(url).ok()?.host_str()?))
    }

    /// Whether prices can be those of its market: a local cloud keeps what it holds when another market takes the place of the
    /// simulated one.
    pub fn may_have_prices(&self, simulated: bool) -> bool {
        !(simulated && self.queried().next().is_some())
    }

    /// The ARN of an execution of the pipeline.
    pub fn execution_arn(&self, name: &str) -> String {
        format!("{}:{name}", self.state_machine.replacen(":stateMachine:", ":execution:", 1))
    }

    /// How to follow an execution later: the command, and on AWS the address in its console.
    pub fn follow_hint(&self, name: &str) -> String {
        let follow = follow_command(&self.options, name);
        let arn = self.execution_arn(name);
        match &self.console_region {
            None => follow,
            Some(region) => format!(
                "{follow}, or https://{region}.{}/states/home?region={region}#/v2/executions/details/{arn}",
                console(&arn)
            ),
        }
    }
}

/// The command that follows an execution later, with the options that name its place.
pub fn follow_command(options: &str, execution: &str) -> String {
    format!("cargo finstream follow {execution}{options}")
}

/// The host of the console, after the region: each partition of AWS has its own.
/// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
fn console(arn: &str) -> &'static str {
    match arn.split(':').nth(1) {
        Some("aws-us-gov") => "console.amazonaws-us-gov.com",
        Some("aws-cn") => "console.amazonaws.cn",
        _ => "console.aws.amazon.com",
    }
}

/// Looks for credentials before the first call, whose own error would not say what to do.
async fn check_credentials(config: &SdkConfig) -> anyhow::Result<()> {
    let what_to_do = "no AWS credentials were found: give some by `aws configure` and AWS_PROFILE or, from IAM Identity Center, \
        by `eval \"$(aws configure export-credentials --format env)\"`, or start a local cloud with `cargo finstream local up`";
    let provider = config.credentials_provider().context(what_to_do)?;
    provider.provide_credentials().await.context(what_to_do)?;
    Ok(())
}

/// The outputs of the deployed stack, by their keys.
async fn outputs(
    client: &aws_sdk_cloudformation::Client,
    stack: &str,
    region: &str,
) -> anyhow::Result<BTreeMap<String, String>> {
    let response = match client.describe_stacks().stack_name(stack).send().await {
        Ok(response) => response,
        Err(error) if error.message().is_some_and(|message| message.contains("does not exist")) => {
            bail!(no_stack(stack, region, &finstream_stacks(client).await))
        }
        Err(error @ (SdkError::DispatchFailure(_) | SdkError::TimeoutError(_))) => {
            return Err(describe("cloudformation:DescribeStacks", &error).context(format!(
                "AWS does not answer in the region {region}: check your network, and the name of the region (AWS_REGION)"
            )));
        }
        Err(error) => return Err(describe("cloudformation:DescribeStacks", &error)),
    };
    Ok(outputs_of(response.stacks()))
}

fn outputs_of(stacks: &[Stack]) -> BTreeMap<String, String> {
    let outputs = stacks.iter().flat_map(Stack::outputs);
    outputs.filter_map(|o| Some((o.output_key()?.to_owned(), o.output_value()?.to_owned()))).collect()
}

/// The names of the region's stacks that are finstream's by their outputs; none where they may not be listed.
async fn finstream_stacks(client: &aws_sdk_cloudformation::Client) -> Vec<String> {
    let mut pages = client.describe_stacks().into_paginator().items().send();
    let mut names = Vec::new();
    while let Some(Ok(stack)) = pages.next().await {
        let outputs = outputs_of(std::slice::from_ref(&stack));
        if ["StateMachineArn", "DataBucket"].iter().all(|key| outputs.contains_key(*key)) {
            names.extend(stack.stack_name);
        }
    }
    names
}

/// The message about a stack that is not there; `others` are the names of those that are.
fn no_stack(stack: &str, region: &str, others: &[String]) -> String {
    let what_to_do = match others {
        [] => "deploy it with `sam deploy`, choose another region with AWS_REGION, or start a local cloud with \
               `cargo finstream local up`"
            .to_owned(),
        others => format!("finstream is there as {}: name it with --stack", others.join(", ")),
    };
    format!("this AWS account has no stack {stack} in {region}: {what_to_do}")
}

#[cfg(test)]
mod tests {
    use aws_config::BehaviorVersion;

    use super::*;

    fn target(console_region: Option<&str>) -> Target {
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
        Target {
            name: "here".into(),
            on: On::Aws,
            stack: "finstream".into(),
            options: String::new(),
            state_machine: "arn:aws:states:eu-west-1:123456789012:stateMachine:finstream-pipeline".into(),
            sfn: aws_sdk_sfn::Client::new(&config),
            s3: aws_sdk_s3::Client::new(&config),
            athena: aws_sdk_athena::Client::new(&config),
            #[cfg(feature = "live")]
            kinesis: aws_sdk_kinesis::Client::new(&config),
            outputs: BTreeMap::from([("MarketUrl".into(), "https://query2.finance.yahoo.com".into())]),
            wait_scale: 1.0,
            keeps_data: true,
            poll_interval: PollInterval { first: Duration::ZERO, longest: Duration::ZERO },
            console_region: console_region.map(str::to_owned),
        }
    }

    #[test]
    fn the_market_is_known_from_the_outputs() {
        let outputs = |pairs: &[(&str, &str)]| Target {
            outputs: pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..target(None)
        };
        let local = "http://127.0.0.1:8080";
        let simulated = outputs(&[("MarketUrl", local), ("AlpacaDataUrl", local), ("Source", "alpaca")]);
        let [yahoo, alpaca] = [&MarketSource::YAHOO, &MarketSource::ALPACA];
        let data = ("AlpacaDataUrl", "https://data.alpaca.markets");
        let real = outputs(&[("MarketUrl", "https://query2.finance.yahoo.com"), data, ("Source", "alpaca")]);
        for (target, requested, source) in [
            (&target(None), None, Some(yahoo)),
            (&target(None), Some(*alpaca), None),
            (&real, None, Some(alpaca)),
            (&real, Some(*yahoo), Some(yahoo)),
            (&simulated, None, None),
            (&simulated, Some(*yahoo), None),
        ] {
            assert_eq!(target.source(requested), source);
        }
        for (target, simulated, possible) in [
            (&target(None), true, false),
            (&target(None), false, true),
            (&simulated, true, true),
            (&simulated, false, true),
        ] {
            assert_eq!(target.may_have_prices(simulated), possible);
        }
        let error = target(None).output("DataBucket").err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("here has no output DataBucket: deploy this version's template.yaml"));
    }

    #[test]
    fn an_execution_can_be_followed_later() {
        let arn = "arn:aws:states:eu-west-1:123456789012:execution:finstream-pipeline:manual-1";
        assert_eq!(target(None).execution_arn("manual-1"), arn);
        assert_eq!(target(None).follow_hint("manual-1"), "cargo finstream follow manual-1");
        assert_eq!(
            target(Some("eu-west-1")).follow_hint("manual-1"),
            format!(
                "cargo finstream follow manual-1, or \
                 https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/{arn}"
            )
        );
        let other = Target { options: " --stack fin-2".into(), ..target(None) };
        assert_eq!(other.follow_hint("manual-1"), "cargo finstream follow manual-1 --stack fin-2");
    }

    #[test]
    fn a_missing_stack_is_reported_with_those_that_are_there() {
        for (others, says) in [
            (vec![], "has no stack finstream in eu-west-1: deploy it with `sam deploy`, choose another region"),
            (vec!["a".to_owned(), "b".to_owned()], "finstream is there as a, b: name it with --stack"),
        ] {
            let message = no_stack("finstream", "eu-west-1", &others);
            assert!(message.contains(says), "{message}");
        }
    }

    #[test]
    fn each_partition_has_its_own_console() {
        for (partition, region, host) in [
            ("aws", "eu-west-1", "https://eu-west-1.console.aws.amazon.com/states/"),
            ("aws-us-gov", "us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/states/"),
            ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn/states/"),
        ] {
            let state_machine = format!("arn:{partition}:states:{region}:123456789012:stateMachine:finstream-pipeline");
            let hint = Target { state_machine, ..target(Some(region)) }.follow_hint("manual-1");
            assert!(hint.contains(host), "{partition}: {hint}");
        }
    }
}
