//! `POST /collect`: authorization and replies.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use aws_credential_types::Credentials;
use serde_json::{Value, json};
use shared::Symbol;

use crate::{Context, trials};

trials![
    an_unsigned_request_is_forbidden,
    a_signed_request_collects,
    a_bad_request_is_rejected_with_the_reason,
    a_user_without_the_permission_is_forbidden,
];

/// Sends `body`, signed where there are credentials, and returns status and reply.
async fn post(context: &Context, credentials: Option<&Credentials>, body: &str) -> Result<(u16, Value)> {
    let (status, reply) = context.stack.post_collect(credentials, "application/json", body.to_owned()).await?;
    Ok((status.as_u16(), reply))
}

async fn post_as_root(context: &Context, body: &str) -> Result<(u16, Value)> {
    post(context, Some(&context.stack.root_credentials()), body).await
}

async fn an_unsigned_request_is_forbidden(context: Arc<Context>) -> Result<()> {
    let (status, reply) = post(&context, None, r#"{"trade_date":"2026-09-14"}"#).await?;
    ensure!(status == 403, "{status}: {reply}");
    ensure!(context.stack.lake("2026-09-14").await?.is_empty(), "an unsigned request collected");
    Ok(())
}

async fn a_signed_request_collects(context: Arc<Context>) -> Result<()> {
    let body = json!({"trade_date": "2026-09-15", "symbols": ["META", "ZZNONE"]}).to_string();
    let (status, reply) = post_as_root(&context, &body).await?;
    ensure!(status == 200, "{status}: {reply}");
    let symbols = &reply["symbols"];
    ensure!(symbols["collected"] == 1 && symbols["failed"][0]["symbol"] == "ZZNONE", "{reply}");
    let outcomes = context.stack.outcomes(&serde_json::from_value(symbols.clone())?).await?;
    ensure!(outcomes.requested().map(Symbol::as_str).eq(["META", "ZZNONE"]), "{outcomes:?}");
    let bars = context.stack.lake("2026-09-15").await?.concat();
    ensure!(reply["bars"] == bars.len() && bars.iter().all(|bar| reply["run_id"] == *bar.run_id), "{reply}");
    Ok(())
}

async fn a_bad_request_is_rejected_with_the_reason(context: Arc<Context>) -> Result<()> {
    for (body, expected_status, expected) in [
        (r#"{"trade_date":"2021-13-45"}"#, 400, "is not a trade date"),
        (r#"{"symbols":[]}"#, 400, "the list of symbols is empty"),
        (r#"{"symbols":["../x"]}"#, 400, "is not a symbol"),
        (r#"{"symbol":"META"}"#, 400, "unknown field `symbol`"),
        // A run of the pipeline counts the bars of its id, so nobody else may write any.
        (r#"{"run_id":"manual-2026-09-15","symbols":["META"]}"#, 400, "run_id: leave it out"),
        ("{", 400, "EOF"),
        (r#"{"trade_date":"2026-09-15","symbols":["ZZNONE"]}"#, 404, "No data found, symbol may be delisted"),
    ] {
        let (status, reply) = post_as_root(&context, body).await?;
        let message = reply["message"].as_str().unwrap_or_default();
        ensure!(status == expected_status && message.contains(expected), "{body}: {status}: {reply}");
    }
    Ok(())
}

async fn a_user_without_the_permission_is_forbidden(context: Arc<Context>) -> Result<()> {
    let aws = async |args: &[&str]| context.aws(args).await;
    aws(&["iam", "create-user", "--user-name", "stranger"]).await?;
    let created = aws(&["iam", "create-access-key", "--user-name", "stranger"]).await?;
    let key = |name: &str| created["AccessKey"][name].as_str().context("no access key");
    let credentials = Credentials::new(key("AccessKeyId")?, key("SecretAccessKey")?, None, None, "a user");
    let body = r#"{"trade_date":"2026-09-16","symbols":["META"]}"#;
    let (status, reply) = post(&context, Some(&credentials), body).await?;
    ensure!(status == 403, "{status}: {reply}");
    let api = context.stack.cloud.output("ApiId")?;
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke",
        "Resource": format!("arn:aws:execute-api:*:*:{api}/*/POST/collect")}]})
    .to_string();
    let put = ["iam", "put-user-policy", "--user-name", "stranger", "--policy-name", "collect", "--policy-document"];
    aws(&[&put[..], &[&policy]].concat()).await?;
    let (status, reply) = post(&context, Some(&credentials), body).await?;
    ensure!(status == 200, "{status}: {reply}");
    Ok(())
}
