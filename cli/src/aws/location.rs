//! Where a stack is looked for: on the local cloud, or in an AWS account and region.

use std::{error::Error, fmt};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sfn::config::{Credentials, SharedCredentialsProvider};
use local::LocalCloud;

#[cfg(feature = "doctor")]
use crate::output::json::Place;
use crate::{
    args::{On, TargetArgs},
    workspace,
};

/// The stack's name unless `--stack` gives another.
const DEFAULT_STACK: &str = "finstream";

pub struct Location {
    /// How messages name it, such as `the local cloud at http://127.0.0.1:4566`.
    pub name: String,
    pub stack: String,
    pub config: SdkConfig,
    /// The options that name it, as they were given, to repeat them in the next command.
    pub options: String,
    /// The local cloud; `None` on AWS.
    pub local: Option<LocalCloud>,
    /// Why it is AWS, where no option says so.
    reason: Option<String>,
}

/// Why there is no place to look for a stack, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoLocation {
    /// Where it would have been.
    pub on: On,
    pub problem: String,
    pub fix: String,
}

impl fmt::Display for NoLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.problem, self.fix)
    }
}

impl Error for NoLocation {}

impl Location {
    /// The place that `--on` names; without it the local cloud, if one is up with that stack, otherwise AWS.
    ///
    /// # Errors
    /// When the local cloud is not up, or does not have that stack, or when no AWS region is set.
    pub async fn find(args: &TargetArgs) -> Result<Self, NoLocation> {
        match choose(args, workspace::cloud_up())? {
            Choice::Local(cloud) => Ok(Self::local(*cloud, args)),
            Choice::Aws(reason) => Self::aws(args, reason).await,
        }
    }

    fn local(cloud: LocalCloud, args: &TargetArgs) -> Self {
        Self {
            name: local_name(&cloud),
            stack: cloud.stack.clone(),
            config: local_config(&cloud),
            options: args.options(),
            local: Some(cloud),
            reason: None,
        }
    }

    async fn aws(args: &TargetArgs, reason: Option<String>) -> Result<Self, NoLocation> {
        let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
        let stack = args.stack.as_deref().unwrap_or(DEFAULT_STACK).to_owned();
        let Some(region) = config.region() else {
            let because = reason.map(|reason| format!(", and {reason}")).unwrap_or_default();
            return Err(NoLocation {
                on: On::Aws,
                problem: format!("no AWS region is set{because}"),
                fix: "choose a region with AWS_REGION, or a profile with AWS_PROFILE; for a local cloud: \
                      cargo finstream local up"
                    .to_owned(),
            });
        };
        let name = format!("AWS, region {region}, stack {stack}");
        Ok(Self { name, stack, config, options: args.options(), local: None, reason })
    }

    /// The first line of every command that looks for a stack: which place it is, and why.
    pub fn announcement(&self) -> String {
        let reason = self.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!("on {}{reason}", self.name)
    }

    /// How JSON names it.
    #[cfg(feature = "doctor")]
    pub fn place(&self) -> Place {
        Place { on: if self.local.is_some() { On::Local } else { On::Aws }, place: self.name.clone() }
    }
}

#[derive(Debug)]
enum Choice {
    Local(Box<LocalCloud>),
    /// AWS, and why, unless an option says so.
    Aws(Option<String>),
}

/// Chooses between AWS and the local cloud, where one is up.
fn choose(args: &TargetArgs, up: Option<LocalCloud>) -> Result<Choice, NoLocation> {
    let not_local = |problem: String, fix: &str| NoLocation { on: On::Local, problem, fix: fix.to_owned() };
    match (args.on, up, args.stack.as_deref()) {
        (Some(On::Aws), _, _) => Ok(Choice::Aws(None)),
        (Some(On::Local), None, _) => Err(not_local(
            "no local cloud is up".to_owned(),
            "start one with `cargo finstream local up`, or use --on aws",
        )),
        (None, None, _) => Ok(Choice::Aws(Some("no local cloud is up".to_owned()))),
        (on, Some(cloud), Some(stack)) if stack != cloud.stack => match on {
            Some(_) => Err(not_local(
                format!("{} has the stack {}, and none named {stack}", local_name(&cloud), cloud.stack),
                "leave out --stack, or use --on aws",
            )),
            None => Ok(Choice::Aws(Some(format!("the local cloud has no stack {stack}")))),
        },
        (_, Some(cloud), _) => Ok(Choice::Local(Box::new(cloud))),
    }
}

/// How messages name a local cloud.
pub fn local_name(cloud: &LocalCloud) -> String {
    format!("the local cloud at {}", cloud.endpoint)
}

/// Built by hand, not loaded from the environment: no profile or variable may redirect the calls to AWS.
pub fn local_config(cloud: &LocalCloud) -> SdkConfig {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud() -> serde_json::Result<LocalCloud> {
        serde_json::from_value(serde_json::json!({
            "home": "/w", "endpoint": "http://127.0.0.1:4566", "region": "us-east-1", "access_key_id": "test",
            "secret_access_key": "test", "stack": "finstream", "market_url": "http://127.0.0.1:8080", "wait_scale": 0.02,
            "storage": "persistent", "processes": [], "parameters": {}, "outputs": {},
        }))
    }

    #[test]
    fn an_option_decides_and_without_it_the_local_cloud_comes_first() -> serde_json::Result<()> {
        for (on, up, stack, expected) in [
            (None, true, None, "local"),
            (None, true, Some("finstream"), "local"),
            (None, true, Some("prod"), "aws: the local cloud has no stack prod"),
            (None, false, None, "aws: no local cloud is up"),
            (Some(On::Local), true, None, "local"),
            (
                Some(On::Local),
                true,
                Some("prod"),
                "the local cloud at http://127.0.0.1:4566 has the stack finstream, and none named prod: leave out --stack, \
                 or use --on aws",
            ),
            (
                Some(On::Local),
                false,
                None,
                "no local cloud is up: start one with `cargo finstream local up`, or use --on aws",
            ),
            (Some(On::Aws), true, None, "aws"),
            (Some(On::Aws), false, Some("prod"), "aws"),
        ] {
            let args = TargetArgs { on, stack: stack.map(str::to_owned) };
            let chosen = match choose(&args, up.then(cloud).transpose()?) {
                Ok(Choice::Local(_)) => "local".to_owned(),
                Ok(Choice::Aws(None)) => "aws".to_owned(),
                Ok(Choice::Aws(Some(reason))) => format!("aws: {reason}"),
                Err(error) => error.to_string(),
            };
            assert_eq!(chosen, expected, "{args:?}, up: {up}");
        }
        Ok(())
    }

    #[test]
    fn the_first_line_says_where_and_why() -> serde_json::Result<()> {
        let location = Location::local(cloud()?, &TargetArgs::default());
        assert_eq!(location.announcement(), "on the local cloud at http://127.0.0.1:4566");
        let name = "AWS, region eu-west-1, stack finstream".to_owned();
        let reason = Some("no local cloud is up".to_owned());
        let location = Location { name, reason, local: None, ..location };
        assert_eq!(location.announcement(), "on AWS, region eu-west-1, stack finstream (no local cloud is up)");
        Ok(())
    }
}
