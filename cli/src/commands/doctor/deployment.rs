//! The stack that is checked, and the clients that read it.

use std::collections::BTreeMap;

use aws_config::{SdkConfig, retry::RetryConfig};
use shared::MarketSource;

use super::outcome::NotOk;

/// The clients of all services that are checked, built once.
pub struct Clients {
    pub athena: aws_sdk_athena::Client,
    pub cloudformation: aws_sdk_cloudformation::Client,
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    pub eventbridge: aws_sdk_eventbridge::Client,
    pub firehose: aws_sdk_firehose::Client,
    pub glue: aws_sdk_glue::Client,
    pub iam: aws_sdk_iam::Client,
    pub kinesis: aws_sdk_kinesis::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub s3: aws_sdk_s3::Client,
    pub scheduler: aws_sdk_scheduler::Client,
    pub sfn: aws_sdk_sfn::Client,
    pub sns: aws_sdk_sns::Client,
    pub sts: aws_sdk_sts::Client,
}

impl Clients {
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            athena: aws_sdk_athena::Client::new(config),
            cloudformation: aws_sdk_cloudformation::Client::new(config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(config),
            eventbridge: aws_sdk_eventbridge::Client::new(config),
            firehose: aws_sdk_firehose::Client::new(config),
            glue: aws_sdk_glue::Client::new(config),
            iam: patient_iam(config),
            kinesis: aws_sdk_kinesis::Client::new(config),
            lambda: aws_sdk_lambda::Client::new(config),
            s3: aws_sdk_s3::Client::new(config),
            scheduler: aws_sdk_scheduler::Client::new(config),
            sfn: aws_sdk_sfn::Client::new(config),
            sns: aws_sdk_sns::Client::new(config),
            sts: aws_sdk_sts::Client::new(config),
        }
    }
}

/// IAM simulates few policies a second, so its client tries a throttled call more often than the SDK's three times.
fn patient_iam(config: &SdkConfig) -> aws_sdk_iam::Client {
    let retries = RetryConfig::standard().with_max_attempts(6);
    let config = aws_sdk_iam::config::Builder::from(config).retry_config(retries).build();
    aws_sdk_iam::Client::from_conf(config)
}

/// A deployed stack: who and where it is, and what CloudFormation knows of it.
pub struct Deployment {
    pub clients: Clients,
    pub stack: String,
    /// The options that name its place, as they were given, each with a space before it.
    pub options: String,
    pub region: String,
    pub account: String,
    /// `aws`, `aws-us-gov` or `aws-cn`.
    pub partition: String,
    pub outputs: BTreeMap<String, String>,
    pub parameters: BTreeMap<String, String>,
    /// The source that is queried to find out whether it answers; without one it is the stack's.
    pub source: Option<MarketSource>,
}

impl Deployment {
    /// An output of the stack. Where it lacks one, the check of the outputs says so.
    ///
    /// # Errors
    /// [`NotOk::Skipped`] where there is none.
    pub fn output(&self, name: &str) -> Result<&str, NotOk> {
        let output = self.outputs.get(name).map(String::as_str);
        output.ok_or_else(|| NotOk::Skipped(format!("the stack has no output {name}")))
    }

    /// The value of a parameter of the stack.
    ///
    /// # Errors
    /// [`NotOk::Skipped`] where there is none: the stack is of another version.
    pub fn parameter(&self, name: &str) -> Result<&str, NotOk> {
        let parameter = self.parameters.get(name).map(String::as_str);
        parameter.ok_or_else(|| NotOk::Skipped(format!("the stack has no parameter {name}")))
    }

    /// Whether it collects the open session, too.
    pub fn is_live(&self) -> bool {
        self.parameters.get("Live").is_some_and(|live| live == "ENABLED")
    }

    /// The text with each `{name}` replaced: `{stack}`, `{region}`, `{account}`, `{partition}`, `{param:Name}`, or an
    /// output.
    ///
    /// # Errors
    /// [`NotOk::Skipped`] for an output or a parameter that the stack does not have.
    pub fn expand(&self, text: &str) -> Result<String, NotOk> {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, (name, after))) = rest.split_once('{').and_then(|(b, a)| Some((b, a.split_once('}')?)))
        {
            expanded += before;
            expanded += match name {
                "stack" => &self.stack,
                "region" => &self.region,
                "account" => &self.account,
                "partition" => &self.partition,
                _ => match name.strip_prefix("param:") {
                    Some(parameter) => self.parameter(parameter)?,
                    None => self.output(name)?,
                },
            };
            rest = after;
        }
        Ok(expanded + rest)
    }
}

#[cfg(test)]
pub mod tests {
    use aws_config::BehaviorVersion;

    use super::*;

    /// A deployment with an output and a parameter, whose clients reach nothing.
    pub fn deployment() -> Deployment {
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
        Deployment {
            clients: Clients::new(&config),
            stack: "fin".to_owned(),
            options: String::new(),
            region: "eu-west-1".to_owned(),
            account: "123456789012".to_owned(),
            partition: "aws".to_owned(),
            outputs: BTreeMap::from([("CrawlerName".to_owned(), "fin-bars".to_owned())]),
            parameters: BTreeMap::from([("LogLevel".to_owned(), "info".to_owned())]),
            source: None,
        }
    }

    #[test]
    fn names_in_braces_are_replaced() {
        let deployment = deployment();
        let arn = deployment.expand("arn:{partition}:glue:{region}:{account}:crawler/{CrawlerName}");
        assert_eq!(arn.as_deref(), Ok("arn:aws:glue:eu-west-1:123456789012:crawler/fin-bars"));
        assert_eq!(deployment.expand("{param:LogLevel}").as_deref(), Ok("info"));
        let skipped = NotOk::Skipped("the stack has no output TopicArn".to_owned());
        assert_eq!(deployment.expand("a {TopicArn}"), Err(skipped));
    }
}
