//! The Lambda function `export-csv`: reads its settings, builds its S3 client once, and serves [`Exporter`].

use aws_config::BehaviorVersion;
use export_csv::Exporter;
use lambda_runtime::service_fn;
use shared::{settings, telemetry};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let bucket = settings::required("DATA_BUCKET")?;
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let exporter = &Exporter::new(aws_sdk_s3::Client::new(&config), bucket);
    lambda_runtime::run(service_fn(|event| exporter.handle(event))).await
}
