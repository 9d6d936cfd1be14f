//! Where a run takes place: the local cloud when it is up, otherwise the AWS account of the environment.
//!
//! The rest of the program sees no difference between the two but the values in a [`Target`].

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, bail};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_cloudformation::types::Stack;
use aws_sdk_sfn::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use local::LocalCloud;
use shared::yahoo_retention::is_yahoo;
use url::Url;

use super::{poll::PollInterval, sdk_error::describe};
use crate::{args::On, output::json::Place, workspace};

/// The stack's name unless `--stack` gives another.
const DEFAULT_STACK: &str = "finstream";

/// Where a stack is looked for: the local cloud, or an AWS account and region.
pub struct Location {
    /// How messages name it, such as `the local cloud at http://127.0.0.1:4566`.
    pub name: String,
    pub stack: String,
    pub config: SdkConfig,
    local: Option<LocalCloud>,
}

impl Location {
    /// How JSON names it.
    pub fn place(&self) -> Place {
        Place { on: if self.local.is_some() { On::Local } else { On::Aws }, place: self.name.clone() }
    }

    /// The local cloud, if one is up with that stack, otherwise the AWS account and region of the environment; `None`
    /// without a region.
    pub async fn find(stack: Option<&str>) -> Option<Self> {
        match workspace::cloud_up().filter(|cloud| stack.is_none_or(|name| name == cloud.stack)) {
            Some(cloud) => Some(Self::local(cloud)),
            None => Self::aws(stack.unwrap_or(DEFAULT_STACK)).await,
        }
    }

    fn local(cloud: LocalCloud) -> Self {
        let name = format!("the local cloud at {}", cloud.endpoint);
        Self { name, stack: cloud.stack.clone(), config: local_config(&cloud), local: Some(cloud) }
    }

    async fn aws(stack: &str) -> Option<Self> {
        let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
        let name = format!("AWS, region {}, stack {stack}", config.region()?);
        Some(Self { name, stack: stack.to_owned(), config, local: None })
    }
}

/// Built by hand, not loaded from the environment: no profile or variable may redirect the calls to AWS.
fn local_config(cloud: &LocalCloud) -> SdkConfig {
    let credentials = Credentials::builder()
        .access_key_id(&cloud.access_key_id)
        .secret_access_key(&cloud.secret_access_key)
        .provider_name("the local cloud")
        .build();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(&cloud.endpoint)
        .region(Region::new(cloud.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// A deployed stack and the clients that reach it.
pub struct Target {
    /// How messages name it, such as `the local cloud at http://127.0.0.1:4566`.
    pub name: String,
    on: On,
    stack: String,
    /// The ARN of the pipeline's state machine.
    pub state_machine: String,
    pub sfn: aws_sdk_sfn::Client,
    pub s3: aws_sdk_s3::Client,
    pub athena: aws_sdk_athena::Client,
    outputs: BTreeMap<String, String>,
    /// How long the state machine's waits last there, as a fraction of what its definition says.
    pub wait_scale: f64,
    /// How often to poll its services.
    pub poll_interval: PollInterval,
    /// The region whose AWS console shows the executions; `None` on a local cloud.
    pub console_region: Option<String>,
}

impl Target {
    /// The local cloud, if one is up with that stack, otherwise AWS.
    ///
    /// # Errors
    /// When neither has the stack; the error says what to do.
    pub async fn find(stack: Option<&str>) -> anyhow::Result<Self> {
        let location = Location::find(stack).await.context(NO_REGION)?;
        match &location.local {
            Some(cloud) => Self::local(cloud),
            None => Self::aws(location).await,
        }
    }

    /// The stack on a local cloud.
    ///
    /// # Errors
    /// When the stack has no state machine.
    pub fn local(cloud: &LocalCloud) -> anyhow::Result<Self> {
        let config = local_config(cloud);
        Ok(Self {
            name: format!("the local cloud at {}", cloud.endpoint),
            on: On::Local,
            stack: cloud.stack.clone(),
            state_machine: cloud.output("StateMachineArn")?.to_owned(),
            sfn: aws_sdk_sfn::Client::new(&config),
            s3: aws_sdk_s3::Client::new(&config),
            athena: aws_sdk_athena::Client::new(&config),
            outputs: cloud.outputs.clone(),
            wait_scale: cloud.wait_scale,
            poll_interval: PollInterval { first: Duration::from_millis(300), longest: Duration::from_millis(300) },
            console_region: None,
        })
    }

    /// The stack in an AWS account and region.
    async fn aws(location: Location) -> anyhow::Result<Self> {
        let Location { name, stack, config, .. } = location;
        let region = config.region().map(ToString::to_string).context(NO_REGION)?;
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
            sfn: aws_sdk_sfn::Client::new(&config),
            s3: aws_sdk_s3::Client::new(&config),
            athena: aws_sdk_athena::Client::new(&config),
            outputs,
            wait_scale: 1.0,
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

    /// Whether its market is Yahoo, which keeps bars for a limited time only.
    pub fn uses_yahoo(&self) -> bool {
        let url = self.outputs.get("MarketUrl").and_then(|url| Url::parse(url).ok());
        url.as_ref().and_then(Url::host_str).is_some_and(is_yahoo)
    }

    /// The ARN of an execution of the pipeline.
    pub fn execution_arn(&self, name: &str) -> String {
        format!("{}:{name}", self.state_machine.replacen(":stateMachine:", ":execution:", 1))
    }

    /// How to follow an execution later: the command, and on AWS the address in its console.
    pub fn follow_hint(&self, name: &str) -> String {
        let follow = follow_command(&self.stack, name);
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

/// The command that follows an execution later. It names the stack where the command would not look for it by itself.
pub fn follow_command(stack: &str, execution: &str) -> String {
    let option = if stack == DEFAULT_STACK { String::new() } else { format!(" --stack {stack}") };
    format!("cargo finstream follow {execution}{option}")
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

const NO_REGION: &str = "no local cloud is up and no AWS region is set: start one with `cargo finstream local up`, \
    or choose a region with AWS_REGION or a profile with AWS_PROFILE";

/// Looks for credentials before the first call, whose own error would not say what to do.
async fn check_credentials(config: &SdkConfig) -> anyhow::Result<()> {
    let what_to_do = "no local cloud is up and no AWS credentials were found: start one with `cargo finstream local up`, \
        or give AWS credentials, by `aws configure` and AWS_PROFILE, or, from IAM Identity Center, by \
        `eval \"$(aws configure export-credentials --format env)\"`";
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
        Err(error) if error.message().is_some_and(|message| message.contains("does not exist")) => bail!(
            "this AWS account has no stack {stack} in {region}: deploy it with `sam deploy`, name another with --stack, \
             or start a local cloud with `cargo finstream local up`"
        ),
        Err(error) => return Err(describe("cloudformation:DescribeStacks", &error)),
    };
    let outputs = response.stacks().iter().flat_map(Stack::outputs);
    Ok(outputs.filter_map(|o| Some((o.output_key()?.to_owned(), o.output_value()?.to_owned()))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(console_region: Option<&str>) -> Target {
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
        Target {
            name: "here".into(),
            on: On::Aws,
            stack: DEFAULT_STACK.into(),
            state_machine: "arn:aws:states:eu-west-1:123456789012:stateMachine:finstream-pipeline".into(),
            sfn: aws_sdk_sfn::Client::new(&config),
            s3: aws_sdk_s3::Client::new(&config),
            athena: aws_sdk_athena::Client::new(&config),
            outputs: BTreeMap::from([("MarketUrl".into(), "https://query2.finance.yahoo.com".into())]),
            wait_scale: 1.0,
            poll_interval: PollInterval { first: Duration::ZERO, longest: Duration::ZERO },
            console_region: console_region.map(str::to_owned),
        }
    }

    #[test]
    fn the_market_is_known_from_the_outputs() {
        assert!(target(None).uses_yahoo());
        let simulated = [("MarketUrl".to_owned(), "http://127.0.0.1:8080".to_owned())];
        assert!(!Target { outputs: simulated.into(), ..target(None) }.uses_yahoo());
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
        let other = Target { stack: "fin-2".into(), ..target(None) };
        assert_eq!(other.follow_hint("manual-1"), "cargo finstream follow manual-1 --stack fin-2");
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
