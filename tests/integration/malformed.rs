//! Malformed input to the API and to the state machine is rejected with a named error and has no effects.
//!
//! On a stack of its own, whose bucket and whose market's log of requests must be empty afterwards.

mod inputs;

use std::sync::Arc;

use anyhow::{Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use harness::{Ended, Stack};
use serde_json::Value;

use crate::{Context, trials};

trials![malformed_input_is_rejected_without_effects];

/// The number of inputs sent at once.
const CONCURRENCY: usize = 8;

async fn malformed_input_is_rejected_without_effects(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up(&context.tools).await?;
    let requests = inputs::requests();
    let (to_api, executions) = (requests.len(), inputs::executions());
    let to_machine = executions.len();
    ensure!(to_api + to_machine >= 200, "{to_api} requests and {to_machine} executions");
    stream::iter(requests)
        .map(|input| check_request(&stack, input))
        .buffer_unordered(CONCURRENCY)
        .try_collect::<()>()
        .await?;
    stream::iter(executions)
        .map(|input| check_execution(&stack, input))
        .buffer_unordered(CONCURRENCY)
        .try_collect::<()>()
        .await?;
    let left = stack.keys("").await?;
    ensure!(left.is_empty(), "data was left behind: {left:?}");
    let requests = stack.market.handle.requests();
    ensure!(requests.is_empty(), "the market was queried: {requests:?}");
    println!("malformed input: {to_api} requests and {to_machine} executions, all rejected");
    Ok(())
}

/// The API replies with a 4xx and names the invalid field.
async fn check_request(stack: &Stack, input: inputs::Request) -> Result<()> {
    let root = stack.root_credentials();
    let (status, reply) = stack.post_collect(Some(&root), input.content_type, input.body.clone()).await?;
    let shown: String = input.body.chars().take(80).collect();
    ensure!(status == input.status && reply["error"] == "InvalidInput", "{shown}: {status}: {reply}");
    let field = reply["field"].as_str().unwrap_or_default();
    let named = if input.field.is_empty() { !field.is_empty() } else { field == input.field };
    ensure!(named, "{shown}: the field is {field:?} and not {:?}: {reply}", input.field);
    ensure!(reply["message"].as_str().is_some_and(|message| message.len() > 20), "{shown}: {reply}");
    Ok(())
}

/// The execution fails with a named error and says why.
async fn check_execution(stack: &Stack, input: Value) -> Result<()> {
    let Ended::Failed { error, cause } = stack.execute(&input).await? else {
        anyhow::bail!("{input} succeeded");
    };
    let says_why = ["cannot be read", "future", "name fewer symbols"].iter().any(|text| cause.contains(text));
    ensure!(error == "InvalidInput" && says_why, "{input}: {error}: {cause}");
    Ok(())
}
