//! What the functions' roles allow, and how a run fails when a permission is missing: the local cloud enforces the
//! policies of the functions.
//!
//! On a stack of its own, since the test deletes policies.

mod calls;

use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use aws_credential_types::Credentials;
use harness::{Ended, Stack};
use serde_json::{Value, json};

use crate::{Context, policies, trials};
use calls::{CallCase, FUNCTIONS};

trials![functions_have_the_permissions_they_need_and_no_others];

async fn functions_have_the_permissions_they_need_and_no_others(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up_with(&context.tools, &[("Live", "ENABLED")]).await?;
    policies::roles_of_live_allow_exactly_what_is_done(&context.tools, &stack.cloud).await?;
    let mut sessions = Vec::new();
    for function in FUNCTIONS {
        sessions.push(session(&context, &stack, &role(&context, &stack, function).await?).await?);
    }
    let calls = calls::all(&stack.cloud)?;
    let mut wrong = Vec::new();
    println!("{:64}{}", "allowed to", FUNCTIONS.map(|name| format!("{name:>15}")).concat());
    for CallCase { action, service, request, allowed } in calls {
        let mut row = format!("{action:64}");
        for (function, credentials) in FUNCTIONS.iter().zip(&sessions) {
            let reply = stack.send_signed(request.clone(), service, credentials).await?;
            let (status, reply) = (reply.status(), reply.text().await?);
            let denied = status == 403 || reply.contains("AccessDenied") || reply.contains("not authorized");
            row += &format!("{:>15}", if denied { "·" } else { "yes" });
            if denied == allowed.contains(function) {
                wrong.push(format!("{function}: {action}: {status} {reply}"));
            }
        }
        println!("{row}");
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    runs_fail_with_access_denied(&context, &stack).await
}

/// Deletes the functions' policies, from the last function to the first, so that each execution gets as far as the
/// function without permissions.
async fn runs_fail_with_access_denied(context: &Context, stack: &Stack) -> Result<()> {
    let aws = async |args: &[&str]| context.tools.aws(&stack.cloud, args).await;
    let tick = json!({"live": true, "scheduled_time": "2026-11-20T15:01:00Z", "symbols": ["META"]});
    let ended = stack.tick(&tick).await?;
    ensure!(
        matches!(&ended, Ended::Succeeded(tick) if tick["outcome"] == "collected" && tick["bars"] == 3),
        "{ended:?}"
    );
    let collect = role(context, stack, "collect").await?;
    aws(&["iam", "delete-role-policy", "--role-name", &collect, "--policy-name", "collect-live"]).await?;
    let Ended::Failed { error, cause } = stack.tick(&tick).await? else { bail!("a tick needs no permission") };
    ensure!(error == "AccessDenied" && cause.contains("kinesis:PutRecords"), "{error}: {cause}");
    for (function, action) in [
        ("export-csv", "s3:GetObject"),
        ("run-query", "athena:StartQueryExecution"),
        ("start-crawler", "glue:StartCrawler"),
        ("collect", "s3:GetObject"),
    ] {
        let role = role(context, stack, function).await?;
        let policies = aws(&["iam", "list-role-policies", "--role-name", &role]).await?;
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
    let configuration = context.tools.aws(&stack.cloud, &get).await?;
    let role = configuration["Role"].as_str().and_then(|arn| arn.rsplit('/').next());
    Ok(role.with_context(|| format!("{name} has no role"))?.to_owned())
}

/// Temporary credentials of a role. The role trusts Lambda only; the local cloud lets its root assume it all the same.
async fn session(context: &Context, stack: &Stack, role: &str) -> Result<Credentials> {
    let arn = format!("arn:aws:iam::000000000000:role/{role}");
    let assume = ["sts", "assume-role", "--role-session-name", "test", "--role-arn", &arn];
    let session = context.tools.aws(&stack.cloud, &assume).await?;
    let text = |name: &str| session["Credentials"][name].as_str().context("no credentials");
    let token = text("SessionToken")?.to_owned();
    Ok(Credentials::new(text("AccessKeyId")?, text("SecretAccessKey")?, Some(token), None, "a function's role"))
}
