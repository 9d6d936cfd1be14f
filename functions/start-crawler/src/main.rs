//! The Lambda function `start-crawler`: environment and client at cold start, then one crawl per invocation.

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use shared::{env, telemetry};
use start_crawler::CrawlStarter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let aws = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let starter = CrawlStarter { glue: aws_sdk_glue::Client::new(&aws), crawler: env::required("CRAWLER_NAME")? };
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| starter.handle(event))).await
}
