//! The account, the stack, and its outputs: what all other checks need.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_cloudformation::types::Stack;
use aws_sdk_sfn::config::ProvideCredentials;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{
    deployment::{Clients, Deployment},
    outcome::{NotOk, Outcome, failed, unless_any, wrong},
};

/// Who makes the calls.
pub struct Caller {
    pub arn: String,
    pub account: String,
    pub partition: String,
}

/// The user or role of the credentials.
///
/// # Errors
/// When there are no credentials, or AWS rejects them.
pub async fn caller(config: &SdkConfig, clients: &Clients) -> Result<Caller, NotOk> {
    let get_some = "give some by `aws configure` and AWS_PROFILE or, from IAM Identity Center, by \
        `eval \"$(aws configure export-credentials --format env)\"`";
    let provider = config.credentials_provider().ok_or_else(|| wrong("no AWS credentials were found", get_some))?;
    if let Err(error) = provider.provide_credentials().await {
        return Err(wrong(format!("no AWS credentials were found: {error}"), get_some));
    }
    let call = clients.sts.get_caller_identity().send().await;
    let caller = call.map_err(|error| match failed("sts:GetCallerIdentity", "the caller", &error) {
        NotOk::Skipped(problem) => wrong(problem, get_some),
        NotOk::Wrong { problem, .. } => wrong(problem, format!("renew the credentials, or {get_some}")),
    })?;
    let arn = caller.arn().unwrap_or_default().to_owned();
    let partition = arn.split(':').nth(1).unwrap_or("aws").to_owned();
    Ok(Caller { account: caller.account().unwrap_or_default().to_owned(), arn, partition })
}

/// The stack as CloudFormation describes it.
///
/// # Errors
/// When there is none of that name, or the caller may not describe it.
pub async fn describe(clients: &Clients, stack: &str, region: &str) -> Result<Stack, NotOk> {
    let response = match clients.cloudformation.describe_stacks().stack_name(stack).send().await {
        Ok(response) => response,
        Err(error) if error.message().is_some_and(|message| message.contains("does not exist")) => {
            let problem = format!("there is no stack {stack} in {region}");
            return Err(wrong(
                problem,
                "deploy it with `sam deploy`, name another with --stack, or choose another region with AWS_REGION",
            ));
        }
        Err(error) => return Err(failed("cloudformation:DescribeStacks", &format!("the stack {stack}"), &error)),
    };
    let found = response.stacks.unwrap_or_default().into_iter().next();
    found.ok_or_else(|| wrong(format!("there is no stack {stack} in {region}"), "deploy it with `sam deploy`"))
}

pub fn outputs(stack: &Stack) -> BTreeMap<String, String> {
    let pair = |output: &aws_sdk_cloudformation::types::Output| {
        Some((output.output_key()?.to_owned(), output.output_value()?.to_owned()))
    };
    stack.outputs().iter().filter_map(pair).collect()
}

pub fn parameters(stack: &Stack) -> BTreeMap<String, String> {
    let pair = |parameter: &aws_sdk_cloudformation::types::Parameter| {
        Some((parameter.parameter_key()?.to_owned(), parameter.parameter_value()?.to_owned()))
    };
    stack.parameters().iter().filter_map(pair).collect()
}

/// Whether the last deployment succeeded.
pub fn status(stack: &Stack) -> Outcome {
    let status = stack.stack_status().map(|status| status.as_str()).unwrap_or("unknown");
    let problem = || format!("the stack is {status}{}", stack.stack_status_reason().map(colon).unwrap_or_default());
    match status {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => Ok(format!("{status}, {}", name(stack))),
        "CREATE_FAILED" | "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" => {
            Err(wrong(problem(), "read its events in CloudFormation, delete the stack, and deploy it again"))
        }
        status if status.ends_with("_IN_PROGRESS") => {
            Err(wrong(problem(), "wait for the deployment to end, and run this again"))
        }
        _ => Err(wrong(problem(), "read its events in CloudFormation, and deploy it again")),
    }
}

fn name(stack: &Stack) -> &str {
    stack.stack_name().unwrap_or_default()
}

fn colon(reason: &str) -> String {
    format!(" ({reason})")
}

/// The outputs that the commands and the other checks read.
const OUTPUTS: [&str; 15] = [
    "AlertsArn",
    "CollectFunction",
    "CrawlerName",
    "DataBucket",
    "DatabaseName",
    "DeliveryStream",
    "ExportCsvFunction",
    "MarketUrl",
    "RunQueryFunction",
    "StartCrawlerFunction",
    "StateMachineArn",
    "TableName",
    "TopicArn",
    "WatchArn",
    "WorkGroup",
];

/// Whether the stack has every output that is needed.
pub async fn has_outputs(deployment: &Deployment) -> Outcome {
    let missing: Vec<_> = OUTPUTS.iter().filter(|name| !deployment.outputs.contains_key(**name)).copied().collect();
    let problems = if missing.is_empty() { vec![] } else { vec![format!("the stack lacks {}", missing.join(", "))] };
    unless_any(
        problems,
        "deploy this version's template.yaml, or name finstream's own stack with --stack",
        format!("all {} that are needed", OUTPUTS.len()),
    )
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::types::StackStatus;

    use super::*;

    #[test]
    fn every_output_is_one_of_the_template() {
        let (_, outputs) = include_str!("../../../../template.yaml").split_once("\nOutputs:\n").unwrap_or_default();
        for name in OUTPUTS {
            assert!(outputs.contains(&format!("  {name}:\n")), "{name}");
        }
    }

    #[test]
    fn a_deployment_that_failed_or_is_under_way_is_a_problem() {
        let fix = |status: StackStatus| match super::status(&Stack::builder().stack_status(status).build()) {
            Err(NotOk::Wrong { fix, .. }) => fix,
            other => format!("{other:?}"),
        };
        for (status, expected) in [
            (StackStatus::UpdateComplete, "Ok("),
            (StackStatus::UpdateInProgress, "wait for"),
            (StackStatus::RollbackComplete, "delete the stack"),
            (StackStatus::UpdateRollbackComplete, "deploy it again"),
        ] {
            let fix = fix(status.clone());
            assert!(fix.contains(expected), "{status}: {fix}");
        }
    }
}
