//! Malformed input, at the API and at the state machine: refused by name, and nothing comes of it.
//!
//! On a stack of its own, so that nothing at all may be in its lake or asked of its market afterwards.

mod inputs;

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use aws_credential_types::Credentials;
use futures::{StreamExt, TryStreamExt, stream};
use harness::{Ended, Stack, signed};
use serde_json::Value;

use crate::{Context, trials};

trials![nothing_comes_of_malformed_input];

/// Inputs that are under way at once.
const AT_ONCE: usize = 8;

async fn nothing_comes_of_malformed_input(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up(&context.tools).await?;
    let requests = inputs::requests();
    let (to_api, executions) = (requests.len(), inputs::executions());
    let to_machine = executions.len();
    ensure!(to_api + to_machine >= 200, "{to_api} requests and {to_machine} executions");
    stream::iter(requests).map(|input| refused(&stack, input)).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    stream::iter(executions).map(|input| failed(&stack, input)).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    let left = stack.keys("").await?;
    ensure!(left.is_empty(), "data was left behind: {left:?}");
    let asked = stack.market.handle.requests();
    ensure!(asked.is_empty(), "the market was asked: {asked:?}");
    println!("malformed input: {to_api} requests and {to_machine} executions, all refused by name");
    Ok(())
}

/// The API answers with a 4xx and says which field is wrong.
async fn refused(stack: &Stack, input: inputs::Request) -> Result<()> {
    let url = stack.cloud.output("CollectUrl")?;
    let request = http::Request::post(url).header("content-type", input.content_type).body(input.body.clone())?;
    let keys = Credentials::new("test", "test", None, None, "the local cloud's root");
    let request = signed(request, &stack.cloud.region, "execute-api", &keys)?;
    let answer = reqwest::Client::new().execute(request.try_into()?).await?;
    let (status, text) = (answer.status().as_u16(), answer.text().await?);
    let shown: String = input.body.chars().take(80).collect();
    let answer: Value = serde_json::from_str(&text).with_context(|| format!("{shown}: {status}: {text}"))?;
    ensure!(status == input.status && answer["error"] == "InvalidInput", "{shown}: {status}: {answer}");
    let field = answer["field"].as_str().unwrap_or_default();
    let named = if input.field.is_empty() { !field.is_empty() } else { field == input.field };
    ensure!(named, "{shown}: the field is {field:?} and not {:?}: {answer}", input.field);
    ensure!(answer["message"].as_str().is_some_and(|message| message.len() > 20), "{shown}: {answer}");
    Ok(())
}

/// The execution fails by name, and says why.
async fn failed(stack: &Stack, input: Value) -> Result<()> {
    let Ended::Failed { error, cause } = stack.execute(&input).await? else {
        anyhow::bail!("{input} succeeded");
    };
    ensure!(
        error == "InvalidInput" && (cause.contains("cannot be read") || cause.contains("future")),
        "{input}: {error}: {cause}"
    );
    Ok(())
}
