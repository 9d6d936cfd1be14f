//! The delivery stream of the daily run.

use aws_sdk_firehose::{Client, operation::put_record_batch::PutRecordBatchOutput, primitives::Blob, types::Record};
use shared::ServiceError;

use crate::writer::{Limits, Receipt, Stream};

/// The most records in one PutRecordBatch call. <https://docs.aws.amazon.com/firehose/latest/dev/limits.html>
const MAX_BATCH_RECORDS: usize = 500;
/// The most bytes of one PutRecordBatch call, counted as they are sent, in base64. By the same page it takes 4 MiB; the function
/// holds a batch in several copies, so less keeps its memory small. The longest record takes 1.3 MiB.
const MAX_BATCH_BYTES: usize = 3 * 512 * 1024;

/// A delivery stream that takes bars by `PutRecordBatch`.
#[derive(Debug, Clone)]
pub struct DeliveryStream {
    /// The client of Firehose.
    pub client: Client,
    /// The stream's name.
    pub name: String,
}

const CALL: &str = "firehose:PutRecordBatch";

impl Stream for DeliveryStream {
    const SERVICE: &'static str = "firehose";
    const LIMITS: Limits = Limits { batch_records: MAX_BATCH_RECORDS, batch_bytes: MAX_BATCH_BYTES, sent_bytes };

    async fn put(&self, records: &[Vec<u8>]) -> Result<Receipt, ServiceError> {
        let record = |data: &Vec<u8>| Record::builder().data(Blob::new(data.as_slice())).build();
        let batch = records.iter().map(record).collect::<Result<_, _>>();
        let batch = batch.map_err(|error| ServiceError::not_sent(CALL, &error))?;
        let call = self.client.put_record_batch().delivery_stream_name(&self.name).set_records(Some(batch));
        let answer = call.send().await.map_err(|error| ServiceError::from_sdk(CALL, &error))?;
        Ok(receipt(records.len(), &answer))
    }
}

/// The bytes that a record takes in the call: base64 makes four bytes of three, and the JSON around it adds a few.
const fn sent_bytes(record: usize) -> usize {
    record.div_ceil(3) * 4 + r#"{"Data":""},"#.len()
}

/// A reply of status 200 may list rejected records: those without an id, and those with an error code.
/// <https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html>
fn receipt(sent: usize, answer: &PutRecordBatchOutput) -> Receipt {
    if answer.failed_put_count() == 0 {
        return Receipt::default();
    }
    let entries = answer.request_responses().iter().map(|entry| match (entry.error_code(), entry.record_id()) {
        (None, Some(_)) => None,
        (code, _) => Some((code.unwrap_or("no code"), entry.error_message())),
    });
    Receipt::of(sent, entries)
}

#[cfg(test)]
mod tests {
    use aws_sdk_firehose::types::PutRecordBatchResponseEntry as Entry;

    use super::*;

    #[test]
    fn a_record_without_an_id_or_with_a_code_is_rejected() -> Result<(), Box<dyn std::error::Error>> {
        let slow = Entry::builder().error_code("ServiceUnavailableException").error_message("Slow down.").build();
        let entries = vec![Entry::builder().record_id("1").build(), slow, Entry::builder().build()];
        let answer = |failed| {
            PutRecordBatchOutput::builder()
                .failed_put_count(failed)
                .set_request_responses(Some(entries.clone()))
                .build()
        };
        let cause = "ServiceUnavailableException: Slow down.".to_owned();
        assert_eq!(receipt(4, &answer(3)?), Receipt { rejected: vec![false, true, true, true], cause });
        assert_eq!(receipt(4, &answer(0)?), Receipt::default());
        Ok(())
    }

    #[test]
    fn a_record_is_measured_in_base64() {
        assert_eq!((sent_bytes(3), sent_bytes(4)), (16, 20));
    }
}
