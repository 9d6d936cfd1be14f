//! The floor of a function's start: the Lambda runtime with one client of the AWS SDK, and nothing else.

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let aws = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let client = &aws_sdk_firehose::Client::new(&aws);
    let answer = async |event: LambdaEvent<Value>| {
        client.list_delivery_streams().send().await?;
        Ok::<_, lambda_runtime::Error>(event.payload)
    };
    lambda_runtime::run(service_fn(answer)).await
}
