//! The Lambda function `export-csv`: environment and client at cold start, then one export per invocation.

use export_csv::Exporter;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use shared::{env, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let aws = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let exporter = Exporter {
        s3: aws_sdk_s3::Client::new(&aws),
        bucket: env::required("DATA_BUCKET")?,
        metrics_namespace: env::or_default("METRICS_NAMESPACE", "finstream".to_owned())?,
    };
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| exporter.handle(event))).await
}
