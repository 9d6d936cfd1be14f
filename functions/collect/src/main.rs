//! The Lambda function `collect`: environment and clients at cold start, then one attempt per invocation.

use collect::{Collector, DataStream, DeliveryStream, Lists, MarketSettings, Yahoo};
use jiff::SignedDuration;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use shared::{env, telemetry};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let aws = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let collector = Collector {
        lists: Lists::new(aws_sdk_s3::Client::new(&aws), env::required("DATA_BUCKET")?),
        source: Box::new(Yahoo::new(MarketSettings::from_env()?)?),
        delivery: DeliveryStream {
            client: aws_sdk_firehose::Client::new(&aws),
            name: env::required("DELIVERY_STREAM")?,
        },
        live: env::optional("LIVE_STREAM").map(|arn| DataStream { client: aws_sdk_kinesis::Client::new(&aws), arn }),
        session_wait: SignedDuration::from_hours(env::or_default::<u8>("SESSION_WAIT_HOURS", 8)?.into()),
    };
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| collector.handle(event))).await
}
