//! The account, the stack, and its outputs: what all other checks need.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_cloudformation::types::Stack;
use aws_sdk_sfn::config::ProvideCredentials;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use shared::ServiceError;

use super::{
    deployment::{Clients, Deployment},
    outcome::{NotOk, Outcome, required, unless_any, wrong},
};

/// Who makes the calls.
pub struct Caller {
    pub arn: String,
    pub account: String,
    pub partition: String,
}

const GET_CREDENTIALS: &str = "give some by `aws configure` and AWS_PROFILE or, from IAM Identity Center, by \
    `eval \"$(aws configure export-credentials --format env)\"`";

/// The user or role of the credentials.
///
/// # Errors
/// When there are no credentials, or AWS rejects them.
pub async fn caller(config: &SdkConfig, clients: &Clients) -> Result<Caller, NotOk> {
    let provider = config.credentials_provider();
    let provider = provider.ok_or_else(|| wrong("no AWS credentials were found", GET_CREDENTIALS))?;
    if let Err(error) = provider.provide_credentials().await {
        return Err(wrong(format!("no AWS credentials were found: {error}"), GET_CREDENTIALS));
    }
    let call = clients.sts.get_caller_identity().send().await;
    let caller = call.map_err(|error| unknown_caller(ServiceError::from_sdk("sts:GetCallerIdentity", &error)))?;
    let arn = caller.arn().unwrap_or_default().to_owned();
    let partition = arn.split(':').nth(1).unwrap_or("aws").to_owned();
    Ok(Caller { account: caller.account().unwrap_or_default().to_owned(), arn, partition })
}

/// The problem of credentials that AWS rejected, or of a call that did not reach it.
fn unknown_caller(error: ServiceError) -> NotOk {
    let is_answered = !matches!(error, ServiceError::Unavailable { .. });
    match required("the caller", error, GET_CREDENTIALS) {
        NotOk::Wrong { problem, .. } if is_answered => {
            wrong(problem, format!("renew the credentials, or {GET_CREDENTIALS}"))
        }
        other => other,
    }
}

/// How to get the permission to describe the stack.
const PERMIT: &str = "give it cloudformation:DescribeStacks, such as by the AWS managed policy ReadOnlyAccess, or \
    choose another profile with AWS_PROFILE";

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
        Err(error) => {
            let error = ServiceError::from_sdk("cloudformation:DescribeStacks", &error);
            return Err(required(&format!("the stack {stack}"), error, PERMIT));
        }
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
    let name = stack.stack_name().unwrap_or_default();
    let fix = match status {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => return Ok(format!("{status}, {name}")),
        "CREATE_FAILED" | "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" => {
            "read its events in CloudFormation, delete the stack, and deploy it again".to_owned()
        }
        "DELETE_FAILED" => "delete it again in CloudFormation, and retain there what cannot be deleted".to_owned(),
        "UPDATE_ROLLBACK_FAILED" => format!(
            "read its events in CloudFormation, mend what they name, and go on: \
             aws cloudformation continue-update-rollback --stack-name {name}"
        ),
        "REVIEW_IN_PROGRESS" => {
            "a change set waits: execute or delete it in CloudFormation, then deploy the stack".to_owned()
        }
        status if status.ends_with("_IN_PROGRESS") => "wait for the deployment to end, and run this again".to_owned(),
        _ => "read its events in CloudFormation, and deploy it again".to_owned(),
    };
    Err(wrong(problem(), fix))
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

/// Further outputs of a stack with `Live`.
const LIVE_OUTPUTS: [&str; 3] = ["LiveDeliveryStream", "LiveStateMachineArn", "LiveStreamArn"];

/// Whether the stack has every output that is needed.
pub async fn has_outputs(deployment: &Deployment) -> Outcome {
    has_all(deployment, &OUTPUTS)
}

/// Whether a stack with `Live` has every further output that is needed.
pub async fn has_live_outputs(deployment: &Deployment) -> Outcome {
    has_all(deployment, &LIVE_OUTPUTS)
}

fn has_all(deployment: &Deployment, outputs: &[&str]) -> Outcome {
    let missing: Vec<_> = outputs.iter().filter(|name| !deployment.outputs.contains_key(**name)).copied().collect();
    let problems = if missing.is_empty() { vec![] } else { vec![format!("the stack lacks {}", missing.join(", "))] };
    unless_any(
        problems,
        "deploy this version's template.yaml, or name finstream's own stack with --stack",
        format!("all {} that are needed", outputs.len()),
    )
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::types::StackStatus;

    use super::*;

    #[test]
    fn every_output_is_one_of_the_template() {
        let (_, outputs) = include_str!("../../../../template.yaml").split_once("\nOutputs:\n").unwrap_or_default();
        for name in OUTPUTS.into_iter().chain(LIVE_OUTPUTS) {
            assert!(outputs.contains(&format!("  {name}:\n")), "{name}");
        }
    }

    #[test]
    fn a_deployment_that_failed_or_is_under_way_is_a_problem() {
        let stack = |status: StackStatus| Stack::builder().stack_name("fin").stack_status(status).build();
        let fix = |status: StackStatus| match super::status(&stack(status)) {
            Err(NotOk::Wrong { fix, .. }) => fix,
            other => format!("{other:?}"),
        };
        for (status, expected) in [
            (StackStatus::UpdateComplete, "Ok("),
            (StackStatus::UpdateInProgress, "wait for"),
            (StackStatus::RollbackComplete, "delete the stack"),
            (StackStatus::UpdateRollbackComplete, "deploy it again"),
            (StackStatus::UpdateRollbackFailed, "aws cloudformation continue-update-rollback --stack-name fin"),
            (StackStatus::DeleteFailed, "delete it again"),
            (StackStatus::ReviewInProgress, "a change set waits"),
        ] {
            let fix = fix(status.clone());
            assert!(fix.contains(expected), "{status}: {fix}");
        }
    }

    #[test]
    fn only_rejected_credentials_are_to_be_renewed() {
        let call = "sts:GetCallerIdentity";
        let expired = ("ExpiredToken".to_owned(), "it has expired".to_owned());
        for (error, expected) in [
            (ServiceError::Refused { call, code: expired.0, message: expired.1 }, "renew the credentials"),
            (ServiceError::AccessDenied { call, message: "no".to_owned() }, "renew the credentials"),
            (ServiceError::Unavailable { call, message: "dispatch failure (Io)".to_owned() }, "check your network"),
            (ServiceError::Unavailable { call, message: "Throttling: Rate exceeded".to_owned() }, "in a minute"),
        ] {
            let found = unknown_caller(error);
            assert!(matches!(&found, NotOk::Wrong { fix, .. } if fix.contains(expected)), "{expected}: {found:?}");
        }
    }
}
