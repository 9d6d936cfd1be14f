//! The Lambda function `run-query`: environment and client at cold start, then one query per invocation.

use lambda_runtime::{LambdaEvent, service_fn};
use run_query::QueryRunner;
use serde_json::Value;
use shared::{env, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let aws = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let runner = QueryRunner {
        athena: aws_sdk_athena::Client::new(&aws),
        database: env::required("DATABASE")?,
        workgroup: env::required("WORKGROUP")?,
    };
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| runner.handle(event))).await
}
