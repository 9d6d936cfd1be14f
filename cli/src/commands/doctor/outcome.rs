//! The outcome of a check, and what a failed call to AWS means for it.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use shared::ServiceError;

/// What was found where all is right, otherwise what is wrong or why it could not be checked.
pub type Outcome = Result<String, NotOk>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotOk {
    Wrong {
        problem: String,
        /// What to do about it.
        fix: String,
    },
    /// It could not be checked, for this reason.
    Skipped(String),
}

pub fn wrong(problem: impl Into<String>, fix: impl Into<String>) -> NotOk {
    NotOk::Wrong { problem: problem.into(), fix: fix.into() }
}

/// Turns a list of problems into an outcome: right where it is empty.
pub fn unless_any(problems: Vec<String>, fix: impl Into<String>, detail: impl Into<String>) -> Outcome {
    if problems.is_empty() { Ok(detail.into()) } else { Err(wrong(problems.join(", "), fix)) }
}

/// What to do about a resource that was deleted by hand: deploying again leaves it missing.
pub const GONE: &str = "CloudFormation does not restore what was deleted by hand: delete the stack and deploy it again, \
    with the parameter ExistingBucket to keep its bars";

/// What to do about a data bucket that was deleted by hand: nothing brings its objects back.
const BUCKET_GONE: &str = "its bars and exports are gone with it: delete the stack and deploy it again, without the \
    parameter ExistingBucket";

/// The error codes of a resource that does not exist.
const NOT_FOUND: [&str; 7] = [
    "ResourceNotFoundException",
    "ResourceNotFound",
    "EntityNotFoundException",
    "NoSuchEntity",
    "NotFound",
    "NotFoundException",
    "StateMachineDoesNotExist",
];

/// The error codes of a service that does not know the operation: what the local cloud does not have.
const NOT_OFFERED: [&str; 5] =
    ["InvalidAction", "UnknownOperationException", "UnsupportedOperation", "NotImplemented", "NotImplementedException"];

/// Parts of the error codes, or messages, of a call that came too soon after others.
const THROTTLED: [&str; 5] = ["Throttl", "TooManyRequests", "Rate exceeded", "RequestLimitExceeded", "SlowDown"];

/// The outcome of a call that failed; `what` names the resource in case that it does not exist.
pub fn failed<E>(call: &'static str, what: &str, error: &SdkError<E, HttpResponse>) -> NotOk
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    classify(what, ServiceError::from_sdk(call, error))
}

/// The outcome of a failed call without which nothing else can be checked: it is a problem, whatever the reason.
/// `permit` says how to get the permission.
pub fn required(what: &str, error: ServiceError, permit: &str) -> NotOk {
    let fix = if matches!(error, ServiceError::AccessDenied { .. }) { permit } else { "run this again in a minute" };
    match classify(what, error) {
        NotOk::Skipped(reason) => wrong(reason, fix),
        problem @ NotOk::Wrong { .. } => problem,
    }
}

fn classify(what: &str, error: ServiceError) -> NotOk {
    match error {
        ServiceError::AccessDenied { call, .. } => NotOk::Skipped(format!("your user or role may not {call}")),
        ServiceError::Refused { code, .. } if code == "NoSuchBucket" => {
            wrong(format!("{what} does not exist"), BUCKET_GONE)
        }
        ServiceError::Refused { code, message, .. }
            if NOT_FOUND.contains(&code.as_str()) || message.contains("is not found") =>
        {
            wrong(format!("{what} does not exist"), GONE)
        }
        ServiceError::Refused { call, code, .. } if NOT_OFFERED.contains(&code.as_str()) => {
            NotOk::Skipped(format!("{call} is not available there"))
        }
        ServiceError::Refused { call, code, message } => {
            wrong(format!("{call} was refused: {code}: {message}"), format!("check {what} in the AWS console"))
        }
        ServiceError::Unavailable { call, message } => {
            // What follows in parentheses is the SDK's error in full, with the whole response.
            let message = message.split(" (").next().unwrap_or_default();
            if THROTTLED.iter().any(|part| message.contains(part)) {
                return NotOk::Skipped(format!("{call} was throttled; run this again"));
            }
            wrong(format!("{call} did not answer: {message}"), "run this again; if it lasts, check your network")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unavailable(message: &str) -> ServiceError {
        ServiceError::Unavailable { call: "glue:GetCrawler", message: message.to_owned() }
    }

    fn throttled() -> NotOk {
        NotOk::Skipped("glue:GetCrawler was throttled; run this again".to_owned())
    }

    #[test]
    fn a_failed_call_is_a_problem_unless_the_check_was_not_possible() {
        let refused = |code: &str| ServiceError::Refused {
            call: "glue:GetCrawler",
            code: code.to_owned(),
            message: "no such thing".to_owned(),
        };
        for (error, expected) in [
            (refused("EntityNotFoundException"), wrong("the crawler c does not exist", GONE)),
            (refused("NoSuchBucket"), wrong("the crawler c does not exist", BUCKET_GONE)),
            (refused("InvalidAction"), NotOk::Skipped("glue:GetCrawler is not available there".to_owned())),
            (
                refused("ValidationException"),
                wrong(
                    "glue:GetCrawler was refused: ValidationException: no such thing",
                    "check the crawler c in the AWS console",
                ),
            ),
            (
                ServiceError::AccessDenied { call: "glue:GetCrawler", message: "no".to_owned() },
                NotOk::Skipped("your user or role may not glue:GetCrawler".to_owned()),
            ),
            (
                unavailable("timeout (Timeout { .. })"),
                wrong("glue:GetCrawler did not answer: timeout", "run this again; if it lasts, check your network"),
            ),
            (unavailable("ThrottlingException: Rate exceeded"), throttled()),
            (unavailable("Throttling: Rate exceeded"), throttled()),
            (unavailable("TooManyRequestsException: no message"), throttled()),
        ] {
            assert_eq!(classify("the crawler c", error), expected);
        }
    }

    #[test]
    fn a_call_that_all_others_need_is_never_only_skipped() {
        for (error, expected) in [
            (
                ServiceError::AccessDenied { call: "glue:GetCrawler", message: "no".to_owned() },
                wrong("your user or role may not glue:GetCrawler", "ask for it"),
            ),
            (
                unavailable("Throttling: Rate exceeded"),
                wrong("glue:GetCrawler was throttled; run this again", "run this again in a minute"),
            ),
            (
                unavailable("dispatch failure (Io)"),
                wrong(
                    "glue:GetCrawler did not answer: dispatch failure",
                    "run this again; if it lasts, check your network",
                ),
            ),
        ] {
            assert_eq!(required("the crawler c", error, "ask for it"), expected);
        }
    }
}
