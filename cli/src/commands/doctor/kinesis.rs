//! The data stream of the open session.

use aws_sdk_kinesis::types::{EncryptionType, StreamDescriptionSummary, StreamStatus};

use super::{
    deployment::Deployment,
    outcome::{NotOk, Outcome, failed, unless_any, wrong},
};
use crate::output::format::pluralize;

/// How long the stream keeps a record, in hours: as long as Firehose may be unable to deliver it.
const RETENTION_HOURS: i32 = 24;

/// Whether the stream takes records, encrypts them, and keeps them for a day.
pub async fn stream(deployment: &Deployment) -> Outcome {
    let arn = deployment.output("LiveStreamArn")?;
    let what = format!("the data stream {}", arn.rsplit('/').next().unwrap_or(arn));
    let call = deployment.clients.kinesis.describe_stream_summary().stream_arn(arn).send().await;
    let response = call.map_err(|error| failed("kinesis:DescribeStreamSummary", &what, &error))?;
    let found = response.stream_description_summary();
    found.map_or_else(|| Err(NotOk::Skipped(format!("{what} is not described"))), |found| settings(&what, found))
}

fn settings(what: &str, found: &StreamDescriptionSummary) -> Outcome {
    let status = found.stream_status();
    if *status != StreamStatus::Active && *status != StreamStatus::Updating {
        return Err(wrong(format!("{what} is {status}"), "wait if it is being created, otherwise deploy it anew"));
    }
    let mut problems = Vec::new();
    if found.encryption_type() != Some(&EncryptionType::Kms) {
        problems.push("it does not encrypt its records".to_owned());
    }
    let hours = found.retention_period_hours();
    if hours < RETENTION_HOURS {
        problems.push(format!("it keeps its records for {hours} hours and should for {RETENTION_HOURS}"));
    }
    let shards = usize::try_from(found.open_shard_count()).unwrap_or_default();
    let detail = format!("{status}, {}, encrypted, keeps records for {hours} hours", pluralize(shards, "shard"));
    unless_any(problems, "deploy this version's template.yaml, or set it back in Kinesis", detail)
}

#[cfg(test)]
mod tests {
    use aws_sdk_kinesis::{error::BuildError, primitives::DateTime};

    use super::*;

    #[test]
    fn a_stream_is_active_encrypted_and_keeps_a_day() -> Result<(), BuildError> {
        for (status, encryption, hours, expected) in [
            (
                StreamStatus::Active,
                Some(EncryptionType::Kms),
                24,
                "ACTIVE, 2 shards, encrypted, keeps records for 24 hours",
            ),
            (StreamStatus::Updating, Some(EncryptionType::Kms), 48, "UPDATING, 2 shards, encrypted, keeps"),
            (StreamStatus::Creating, Some(EncryptionType::Kms), 24, "the stream is CREATING"),
            (StreamStatus::Active, Some(EncryptionType::None), 24, "it does not encrypt its records"),
            (StreamStatus::Active, None, 12, "records, it keeps its records for 12 hours and should for 24"),
        ] {
            let found =
                StreamDescriptionSummary::builder().stream_name("fin-live").stream_arn("arn").stream_status(status);
            let found = found.set_encryption_type(encryption).retention_period_hours(hours).open_shard_count(2);
            let found = found.stream_creation_timestamp(DateTime::from_secs(0)).set_enhanced_monitoring(Some(vec![]));
            let text = match settings("the stream", &found.build()?) {
                Ok(detail) => detail,
                other => format!("{other:?}"),
            };
            assert!(text.contains(expected), "{text}");
        }
        Ok(())
    }
}
