//! The Lambda function `collect`: environment and clients at cold start, then one attempt per invocation.

use aws_config::{BehaviorVersion, SdkConfig};
use collect::{
    Alpaca, AlpacaSettings, Collector, DataStream, DeliveryStream, Https, Lists, MarketSettings, OutcomeStore,
    RootCertificates, SecretsManager, Source, Sources, Yahoo,
};
use jiff::SignedDuration;
use lambda_runtime::{LambdaEvent, service_fn};
use mimalloc::MiMalloc;
use serde_json::Value;
use shared::{MarketSource, env, telemetry};
use tokio::runtime::{self, Handle};

/// The system's allocator gives the memory of each batch back and takes it again page by page, which was a tenth of a run.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    // One thread reads replies, and another one sends what was read: a fifth quicker where a second processor is free.
    let sending = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve(sending.handle().clone()))
}

async fn serve(sending: Handle) -> Result<(), lambda_runtime::Error> {
    let roots = RootCertificates::of_system()?;
    let https = Https::new(&env::required("USER_AGENT")?, &roots)?;
    let aws = aws_config::defaults(BehaviorVersion::latest()).http_client(roots.sdk_client()?).load().await;
    let (s3, bucket) = (aws_sdk_s3::Client::new(&aws), env::required("DATA_BUCKET")?);
    let collector = Collector {
        lists: Lists::new(s3.clone(), bucket.clone()),
        outcomes: OutcomeStore::new(s3, bucket),
        sources: sources(https, &aws)?,
        delivery: DeliveryStream {
            client: aws_sdk_firehose::Client::new(&aws),
            name: env::required("DELIVERY_STREAM")?,
        },
        sending,
        live: env::optional("LIVE_STREAM").map(|arn| DataStream { client: aws_sdk_kinesis::Client::new(&aws), arn }),
        session_wait: SignedDuration::from_hours(env::or_default::<u8>("SESSION_WAIT_HOURS", 8)?.into()),
    };
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| collector.handle(event))).await
}

/// The clients of the sources: of Yahoo, and of Alpaca where there is a secret for its key (`ALPACA_SECRET`).
fn sources(https: Https, aws: &SdkConfig) -> Result<Sources, lambda_runtime::Error> {
    let mut clients: Vec<Box<dyn Source>> =
        vec![Box::new(Yahoo::new(MarketSettings::from_env()?, Box::new(https.clone()))?)];
    if let Some(name) = env::optional("ALPACA_SECRET") {
        let store = SecretsManager { client: aws_sdk_secretsmanager::Client::new(aws), name };
        match AlpacaSettings::from_env() {
            Ok(settings) => clients.push(Box::new(Alpaca::new(settings, Box::new(https), Box::new(store))?)),
            // Runs over other sources do not depend on it.
            Err(error) => tracing::error!(%error, "Alpaca is not set up"),
        }
    }
    Ok(Sources::new(env::or_default("SOURCE", MarketSource::YAHOO)?, clients))
}
