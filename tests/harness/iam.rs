//! The IAM roles of a stack.

use anyhow::Context;
use local::LocalCloud;
use serde_json::Value;

use crate::{Tools, json::list};

/// The roles on a local cloud as they are deployed, with their policies: the `RoleDetailList` of
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>.
///
/// # Errors
/// When the AWS CLI fails.
pub async fn deployed_roles(tools: &Tools, cloud: &LocalCloud) -> anyhow::Result<Value> {
    let details = tools.aws(cloud, &["iam", "get-account-authorization-details", "--filter", "Role"]).await?;
    Ok(details["RoleDetailList"].clone())
}

/// The role whose logical name in the template is `<name>Role`.
///
/// # Errors
/// When there is none among `roles`.
pub fn find_role<'a>(roles: &'a Value, name: &str) -> anyhow::Result<&'a Value> {
    let part = format!("-{name}Role-");
    let found = list(roles).into_iter().find(|role| role["RoleName"].as_str().is_some_and(|name| name.contains(&part)));
    found.with_context(|| format!("no {name}Role among {roles}"))
}
