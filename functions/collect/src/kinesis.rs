//! The Kinesis data stream of the open session.

use aws_sdk_kinesis::{
    Client, operation::put_records::PutRecordsOutput, primitives::Blob, types::PutRecordsRequestEntry,
};
use shared::ServiceError;

use crate::writer::{Limits, Receipt, Stream};

/// The most records in one PutRecords call. <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html>
const MAX_BATCH_RECORDS: usize = 500;
/// The most bytes of one PutRecords call. It takes 10 MiB by the same page, but took 5 until October 2025, and a shard takes
/// 1 MB a second: <https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html>.
const MAX_BATCH_BYTES: usize = 5 * 1024 * 1024;

/// A data stream that takes bars by `PutRecords`.
#[derive(Debug, Clone)]
pub struct DataStream {
    /// The client of Kinesis.
    pub client: Client,
    /// The stream's ARN.
    pub arn: String,
}

const CALL: &str = "kinesis:PutRecords";

impl Stream for DataStream {
    const SERVICE: &'static str = "kinesis";
    const LIMITS: Limits = Limits { batch_records: MAX_BATCH_RECORDS, batch_bytes: MAX_BATCH_BYTES, sent_bytes };

    async fn put(&self, records: &[Vec<u8>]) -> Result<Receipt, ServiceError> {
        let record = |data: &Vec<u8>| {
            PutRecordsRequestEntry::builder().data(Blob::new(data.as_slice())).partition_key(partition_key()).build()
        };
        let batch = records.iter().map(record).collect::<Result<_, _>>();
        let batch = batch.map_err(|error| ServiceError::not_sent(CALL, &error))?;
        let call = self.client.put_records().stream_arn(&self.arn).set_records(Some(batch));
        let answer = call.send().await.map_err(|error| ServiceError::from_sdk(CALL, &error))?;
        Ok(receipt(records.len(), &answer))
    }
}

/// A record of many symbols has no order to keep, so it goes to any shard.
fn partition_key() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// The bytes that a record takes in the call, which are those of the data, before base64, and of the key.
const fn sent_bytes(record: usize) -> usize {
    const KEY: usize = 16;
    record + KEY
}

/// A reply of status 200 may list rejected records, by their error code.
fn receipt(sent: usize, answer: &PutRecordsOutput) -> Receipt {
    if answer.failed_record_count().unwrap_or_default() == 0 {
        return Receipt::default();
    }
    let entries = answer.records().iter().map(|entry| match (entry.error_code(), entry.sequence_number()) {
        (None, Some(_)) => None,
        (code, _) => Some((code.unwrap_or("no code"), entry.error_message())),
    });
    Receipt::of(sent, entries)
}

#[cfg(test)]
mod tests {
    use aws_sdk_kinesis::types::PutRecordsResultEntry as Entry;

    use super::*;

    #[test]
    fn a_record_with_a_code_or_without_a_sequence_number_is_rejected() -> Result<(), Box<dyn std::error::Error>> {
        let slow = Entry::builder().error_code("ProvisionedThroughputExceededException").error_message("Rate exceeded");
        let accepted = Entry::builder().sequence_number("1").shard_id("shardId-000000000000");
        let entries = vec![accepted.build(), slow.build(), Entry::builder().build()];
        let answer =
            |failed| PutRecordsOutput::builder().failed_record_count(failed).set_records(Some(entries.clone())).build();
        let cause = "ProvisionedThroughputExceededException: Rate exceeded".to_owned();
        assert_eq!(receipt(4, &answer(3)?), Receipt { rejected: vec![false, true, true, true], cause });
        assert_eq!(receipt(4, &answer(0)?), Receipt::default());
        Ok(())
    }

    #[test]
    fn a_record_is_measured_with_its_key() {
        assert_eq!(sent_bytes(3), 3 + partition_key().len());
    }
}
