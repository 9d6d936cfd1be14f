//! The data stream of a stack, through the Kinesis client.

use std::time::Duration;

use aws_sdk_kinesis::{
    Client,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
    error::SdkError,
    types::ShardIteratorType,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::{DateTime, error::metadata::ProvideErrorMetadata};
use jiff::Timestamp;
use shared::ServiceError;

use super::reader::{Batch, DataStream, Fault, Position, Record};
use crate::aws::sdk_error::describe;

/// How long a call may take. Behind a network that is down none would end.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The most shards that a list gives; one of finstream has a few.
const MAX_SHARDS: i32 = 10_000;

pub struct Kinesis {
    client: Client,
    arn: String,
}

impl Kinesis {
    /// The stream of that ARN. Each call is made once: the reader repeats it, and says so.
    pub fn new(client: &Client, arn: &str) -> Self {
        let timeout = TimeoutConfig::builder().operation_timeout(TIMEOUT).build();
        let config = client.config().to_builder().retry_config(RetryConfig::disabled()).timeout_config(timeout);
        Self { client: Client::from_conf(config.build()), arn: arn.to_owned() }
    }
}

/// Each call names the stream by its ARN, by which IAM checks the permission for it.
impl DataStream for Kinesis {
    async fn shards(&self) -> Result<Vec<String>, Fault> {
        let call = self.client.list_shards().stream_arn(&self.arn).max_results(MAX_SHARDS);
        let answer = call.send().await.map_err(|error| fault("kinesis:ListShards", &error))?;
        Ok(answer.shards.unwrap_or_default().into_iter().map(|shard| shard.shard_id).collect())
    }

    async fn iterator(&self, shard: &str, position: &Position) -> Result<String, Fault> {
        let call = self.client.get_shard_iterator().stream_arn(&self.arn).shard_id(shard);
        let call = match position {
            Position::Oldest => call.shard_iterator_type(ShardIteratorType::TrimHorizon),
            Position::At(at) => call.shard_iterator_type(ShardIteratorType::AtTimestamp).timestamp(datetime(*at)),
            Position::After(number) => {
                call.shard_iterator_type(ShardIteratorType::AfterSequenceNumber).starting_sequence_number(number)
            }
        };
        let answer = call.send().await.map_err(|error| fault("kinesis:GetShardIterator", &error))?;
        answer.shard_iterator.ok_or_else(|| Fault::Unavailable("kinesis:GetShardIterator gave no iterator".to_owned()))
    }

    async fn records(&self, iterator: &str) -> Result<Batch, Fault> {
        let call = self.client.get_records().stream_arn(&self.arn).shard_iterator(iterator);
        let answer = call.send().await.map_err(|error| fault("kinesis:GetRecords", &error))?;
        let record = |record: aws_sdk_kinesis::types::Record| Record {
            sequence_number: record.sequence_number,
            arrived: record.approximate_arrival_timestamp.and_then(timestamp).unwrap_or_else(Timestamp::now),
            data: record.data.into_inner(),
        };
        let behind = answer.millis_behind_latest.and_then(|millis| u64::try_from(millis).ok());
        Ok(Batch {
            records: answer.records.into_iter().map(record).collect(),
            behind: Duration::from_millis(behind.unwrap_or_default()),
            next: answer.next_shard_iterator,
            children: answer.child_shards.unwrap_or_default().into_iter().map(|shard| shard.shard_id).collect(),
        })
    }
}

fn datetime(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.as_millisecond())
}

fn timestamp(at: DateTime) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.to_millis().ok()?).ok()
}

/// What an error of a call means for the reader.
/// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html>
fn fault<E>(call: &'static str, error: &SdkError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error.code() {
        Some("ProvisionedThroughputExceededException" | "LimitExceededException" | "KMSThrottlingException") => {
            return Fault::Throttled;
        }
        Some("ExpiredIteratorException") => return Fault::ExpiredIterator,
        Some("ResourceNotFoundException") => return Fault::NotFound(describe(call, error)),
        _ => {}
    }
    match ServiceError::from_sdk(call, error) {
        ServiceError::Unavailable { message, .. } if error.as_service_error().is_some() => Fault::Unavailable(message),
        ServiceError::Unavailable { .. } => Fault::Unavailable(format!("Kinesis is not reached: {}", innermost(error))),
        _ => Fault::Refused(describe(call, error)),
    }
}

/// The cause of all, which fits a line: `Connection refused`, without the number that the operating system has for it.
fn innermost(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let text = causes.last().map(ToString::to_string).unwrap_or_default();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::{body::SdkBody, error::ErrorMetadata};

    use super::*;

    #[test]
    fn an_error_passes_or_ends_the_reading() -> Result<(), Box<dyn std::error::Error>> {
        for (code, status, expected) in [
            ("ProvisionedThroughputExceededException", 400, "Throttled"),
            ("LimitExceededException", 400, "Throttled"),
            ("KMSThrottlingException", 400, "Throttled"),
            ("ExpiredIteratorException", 400, "ExpiredIterator"),
            (
                "ResourceNotFoundException",
                400,
                "NotFound(kinesis:GetRecords was refused: ResourceNotFoundException: why)",
            ),
            ("InternalFailure", 500, "Unavailable(\"InternalFailure: why\")"),
            ("ThrottlingException", 400, "Unavailable(\"ThrottlingException: why\")"),
            (
                "AccessDeniedException",
                400,
                "Refused(kinesis:GetRecords was denied: why; give your own user or role that permission)",
            ),
            ("KMSDisabledException", 400, "Refused(kinesis:GetRecords was refused: KMSDisabledException: why)"),
            ("ExpiredTokenException", 400, "Refused(kinesis:GetRecords was refused: ExpiredTokenException: why)"),
        ] {
            let error = ErrorMetadata::builder().code(code).message("why").build();
            let response = HttpResponse::new(u16::try_into(status)?, SdkBody::empty());
            let fault = fault("kinesis:GetRecords", &SdkError::service_error(error, response));
            let shown = match fault {
                Fault::NotFound(error) => format!("NotFound({error})"),
                Fault::Refused(error) => format!("Refused({error})"),
                passes => format!("{passes:?}"),
            };
            assert_eq!(shown, expected, "{code}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_service_that_is_not_reached_is_tried_again() -> Result<(), Box<dyn std::error::Error>> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        drop(listener); // nobody listens there any more
        let config = aws_sdk_kinesis::Config::builder()
            .behavior_version(aws_sdk_kinesis::config::BehaviorVersion::latest())
            .credentials_provider(aws_sdk_kinesis::config::Credentials::new("id", "secret", None, None, "tests"))
            .region(aws_sdk_kinesis::config::Region::new("us-east-1"))
            .endpoint_url(endpoint)
            .build();
        let stream = Kinesis::new(&Client::from_conf(config), "arn:aws:kinesis:us-east-1:1:stream/s");
        let fault = stream.shards().await.err();
        assert_eq!(format!("{fault:?}"), r#"Some(Unavailable("Kinesis is not reached: Connection refused"))"#);
        Ok(())
    }

    #[test]
    fn instants_keep_their_milliseconds() -> Result<(), jiff::Error> {
        let at: Timestamp = "2026-11-20T14:36:02.417Z".parse()?;
        assert_eq!(timestamp(datetime(at)), Some(at));
        Ok(())
    }
}
