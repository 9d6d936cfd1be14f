//! `POST /collect`: who may call it, and what it answers.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use aws_credential_types::Credentials;
use harness::signed;
use serde_json::{Value, json};

use crate::{Context, trials};

trials![
    an_unsigned_request_is_forbidden,
    a_signed_request_collects,
    a_bad_request_is_told_what_is_wrong,
    a_user_without_the_permission_is_forbidden,
];

/// Sends `body`, signed with `keys` where there are some, and returns status and answer.
async fn post(context: &Context, keys: Option<(&str, &str)>, body: &str) -> Result<(u16, Value)> {
    let url = context.stack.cloud.output("CollectUrl")?;
    let mut request = http::Request::post(url).header("content-type", "application/json").body(body.to_owned())?;
    if let Some((id, secret)) = keys {
        let keys = Credentials::new(id, secret, None, None, "test");
        request = signed(request, &context.stack.cloud.region, "execute-api", &keys)?;
    }
    let answer = reqwest::Client::new().execute(request.try_into()?).await?;
    let (status, text) = (answer.status().as_u16(), answer.text().await?);
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}

const ROOT: Option<(&str, &str)> = Some(("test", "test"));

async fn an_unsigned_request_is_forbidden(context: Arc<Context>) -> Result<()> {
    let (status, answer) = post(&context, None, r#"{"trade_date":"2026-09-14"}"#).await?;
    ensure!(status == 403, "{status}: {answer}");
    ensure!(context.stack.lake("2026-09-14").await?.is_empty(), "an unsigned request collected");
    Ok(())
}

async fn a_signed_request_collects(context: Arc<Context>) -> Result<()> {
    let body = json!({"trade_date": "2026-09-15", "symbols": ["META", "ZZNONE"]}).to_string();
    let (status, answer) = post(&context, ROOT, &body).await?;
    ensure!(status == 200, "{status}: {answer}");
    ensure!(
        answer["symbols"]["collected"][0]["symbol"] == "META" && answer["symbols"]["failed"][0]["symbol"] == "ZZNONE",
        "{answer}"
    );
    let bars = context.stack.lake("2026-09-15").await?.concat();
    ensure!(answer["bars"] == bars.len() && bars.iter().all(|bar| answer["run_id"] == *bar.run_id), "{answer}");
    Ok(())
}

async fn a_bad_request_is_told_what_is_wrong(context: Arc<Context>) -> Result<()> {
    for (body, status, says) in [
        (r#"{"trade_date":"2021-13-45"}"#, 400, "is not a trade date"),
        (r#"{"symbols":[]}"#, 400, "the list of symbols is empty"),
        (r#"{"symbols":["../x"]}"#, 400, "is not a symbol"),
        (r#"{"symbol":"META"}"#, 400, "unknown field `symbol`"),
        ("{", 400, "EOF"),
        (r#"{"trade_date":"2026-09-15","symbols":["ZZNONE"]}"#, 404, "No data found, symbol may be delisted"),
    ] {
        let (got, answer) = post(&context, ROOT, body).await?;
        let message = answer["message"].as_str().unwrap_or_default();
        ensure!(got == status && message.contains(says), "{body}: {got}: {answer}");
    }
    Ok(())
}

async fn a_user_without_the_permission_is_forbidden(context: Arc<Context>) -> Result<()> {
    let aws = async |args: &[&str]| context.tools.aws(&context.stack.cloud, args).await;
    aws(&["iam", "create-user", "--user-name", "stranger"]).await?;
    let made: Value = serde_json::from_str(&aws(&["iam", "create-access-key", "--user-name", "stranger"]).await?)?;
    let key = |name: &str| made["AccessKey"][name].as_str().context("no access key");
    let keys = Some((key("AccessKeyId")?, key("SecretAccessKey")?));
    let body = r#"{"trade_date":"2026-09-16","symbols":["META"]}"#;
    let (status, answer) = post(&context, keys, body).await?;
    ensure!(status == 403, "{status}: {answer}");
    let api = context.stack.cloud.output("ApiId")?;
    let allow = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke",
        "Resource": format!("arn:aws:execute-api:*:*:{api}/*/POST/collect")}]});
    aws(&[
        "iam",
        "put-user-policy",
        "--user-name",
        "stranger",
        "--policy-name",
        "collect",
        "--policy-document",
        &allow.to_string(),
    ])
    .await?;
    let (status, answer) = post(&context, keys, body).await?;
    ensure!(status == 200, "{status}: {answer}");
    Ok(())
}
