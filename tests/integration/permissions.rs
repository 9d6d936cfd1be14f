//! What the functions' roles may do, and what happens when one lacks a permission: the policies are enforced.
//!
//! On a stack of its own, since it takes permissions away for good.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use aws_credential_types::Credentials;
use harness::{Stack, signed};
use serde_json::{Value, json};

use crate::{
    Context,
    calls::{self, Call, FUNCTIONS},
    trials,
};

trials![a_function_may_do_what_it_must_and_nothing_else];

async fn a_function_may_do_what_it_must_and_nothing_else(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up(&context.tools).await?;
    let mut keys = Vec::new();
    for function in FUNCTIONS {
        keys.push(session(&context, &stack, &role(&context, &stack, function).await?).await?);
    }
    let http = reqwest::Client::new();
    let calls = calls::all(&stack.cloud)?;
    let mut wrong = Vec::new();
    println!("{:64}{}", "allowed to", FUNCTIONS.map(|name| format!("{name:>15}")).concat());
    for Call { what, service, request, allowed } in calls {
        let mut row = format!("{what:64}");
        for (function, keys) in FUNCTIONS.iter().zip(&keys) {
            let request = signed(request.clone(), &stack.cloud.region, service, keys)?;
            let answer = http.execute(request.try_into()?).await?;
            let (status, answer) = (answer.status(), answer.text().await?);
            let refused = status == 403 || answer.contains("AccessDenied") || answer.contains("not authorized");
            row += &format!("{:>15}", if refused { "·" } else { "yes" });
            if refused == allowed.contains(function) {
                wrong.push(format!("{function}: {what}: {status} {answer}"));
            }
        }
        println!("{row}");
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    without_its_permission_it_fails_with_access_denied(&context, &stack).await
}

/// From the last function to the first, so that each execution gets as far as the function that lacks them.
async fn without_its_permission_it_fails_with_access_denied(context: &Context, stack: &Stack) -> Result<()> {
    let aws = async |args: &[&str]| context.tools.aws(&stack.cloud, args).await;
    for (function, action) in [
        ("export-csv", "s3:GetObject"),
        ("run-query", "athena:StartQueryExecution"),
        ("start-crawler", "glue:StartCrawler"),
        ("collect", "firehose:PutRecordBatch"),
    ] {
        let role = role(context, stack, function).await?;
        let policies: Value = serde_json::from_str(&aws(&["iam", "list-role-policies", "--role-name", &role]).await?)?;
        for policy in policies["PolicyNames"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            aws(&["iam", "delete-role-policy", "--role-name", &role, "--policy-name", policy]).await?;
        }
        let (error, cause) = stack.fail(&json!({"trade_date": "2026-11-20", "symbols": ["META"]})).await?;
        ensure!(error == "AccessDenied" && cause.contains(action), "{function}: {error}: {cause}");
    }
    Ok(())
}

/// The name of a function's role.
async fn role(context: &Context, stack: &Stack, function: &str) -> Result<String> {
    let name = format!("{}-{function}", stack.cloud.stack);
    let get = ["lambda", "get-function-configuration", "--function-name", &name];
    let configuration: Value = serde_json::from_str(&context.tools.aws(&stack.cloud, &get).await?)?;
    let role = configuration["Role"].as_str().and_then(|arn| arn.rsplit('/').next());
    Ok(role.with_context(|| format!("{name} has no role"))?.to_owned())
}

/// Keys of a role. The role trusts Lambda only, for which the local cloud takes its own root.
async fn session(context: &Context, stack: &Stack, role: &str) -> Result<Credentials> {
    let arn = format!("arn:aws:iam::000000000000:role/{role}");
    let assume = ["sts", "assume-role", "--role-session-name", "test", "--role-arn", &arn];
    let session: Value = serde_json::from_str(&context.tools.aws(&stack.cloud, &assume).await?)?;
    let text = |name: &str| session["Credentials"][name].as_str().context("no credentials");
    let token = text("SessionToken")?.to_owned();
    Ok(Credentials::new(text("AccessKeyId")?, text("SecretAccessKey")?, Some(token), None, "a function's role"))
}
