//! Writing bars to Firehose: many lines to a record, many records to a call, and only what was
//! refused is sent again.

use std::time::Duration;

use aws_sdk_firehose::{
    Client,
    operation::put_record_batch::PutRecordBatchOutput,
    primitives::Blob,
    types::{PutRecordBatchResponseEntry, Record},
};
use shared::{Bar, ServiceError};
use tokio::time::{Instant, timeout_at};

// Limits of https://docs.aws.amazon.com/firehose/latest/dev/limits.html
/// Records in one PutRecordBatch call.
const MAX_BATCH_RECORDS: usize = 500;
/// Bytes of one PutRecordBatch call; counted as they are sent, in base64.
const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of one record before base64.
const MAX_RECORD_BYTES: usize = 1000 * 1024;
/// JSON objects that Firehose takes out of one record when it de-aggregates.
/// <https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-multirecord-deaggergation.html>
const MAX_RECORD_LINES: usize = 500;

/// Base64 makes four bytes of three; the JSON around a record's data takes a little more.
const fn sent_bytes(record: usize) -> usize {
    record.div_ceil(3) * 4 + r#"{"Data":""},"#.len()
}

/// Packs lines into records and records into batches, holding one batch at most.
#[derive(Debug, Default)]
struct Packer {
    batch: Vec<Vec<u8>>,
    batch_bytes: usize,
    record: Vec<u8>,
    record_lines: usize,
}

impl Packer {
    /// Adds a line; gives back a batch when the line would have outgrown it.
    fn push(&mut self, line: &[u8]) -> Option<Vec<Vec<u8>>> {
        let full = self.record_lines == MAX_RECORD_LINES || self.record.len() + line.len() > MAX_RECORD_BYTES;
        let batch = if full { self.close_record() } else { None };
        self.record.extend_from_slice(line);
        self.record_lines += 1;
        batch
    }

    /// What is left at the end: one batch or two, or none.
    fn finish(mut self) -> impl Iterator<Item = Vec<Vec<u8>>> {
        let full = self.close_record();
        full.into_iter().chain((!self.batch.is_empty()).then_some(self.batch))
    }

    fn close_record(&mut self) -> Option<Vec<Vec<u8>>> {
        if self.record.is_empty() {
            return None;
        }
        let bytes = sent_bytes(self.record.len());
        let full = self.batch.len() == MAX_BATCH_RECORDS || self.batch_bytes + bytes > MAX_BATCH_BYTES;
        let batch = full.then(|| {
            self.batch_bytes = 0;
            std::mem::take(&mut self.batch)
        });
        self.batch_bytes += bytes;
        self.batch.push(std::mem::take(&mut self.record));
        self.record_lines = 0;
        batch
    }
}

/// Why bars did not reach Firehose.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A bar could not be written as JSON.
    #[error("a bar cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The call itself failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Firehose, or the network before it, kept rejecting records.
    #[error(
        "firehose accepted {accepted} records and refused {refused} until the invocation's time was up ({cause}); run again: of bars that are written twice the last write wins"
    )]
    Refused {
        /// The number of records that Firehose has accepted.
        accepted: usize,
        /// The number of records that it has not.
        refused: usize,
        /// The last reason.
        cause: String,
    },
}

/// The pause before each batch: none until Firehose rejects a record, doubled by each batch with rejected records and
/// halved by each that is accepted whole.
#[derive(Debug, Default)]
struct Backoff(Duration);

impl Backoff {
    const SHORTEST: Duration = Duration::from_millis(200);
    const LONGEST: Duration = Duration::from_secs(10);

    fn increase(&mut self) {
        self.0 = (self.0 * 2).clamp(Self::SHORTEST, Self::LONGEST);
    }

    fn decrease(&mut self) {
        self.0 = if self.0 > Self::SHORTEST { self.0 / 2 } else { Duration::ZERO };
    }

    /// The pause, between a half and the whole of it, so that several senders do not return at once.
    fn pause(&self) -> Duration {
        self.0.mul_f64(rand::random_range(0.5..=1.0))
    }
}

/// Writes the bars of one collection to a delivery stream.
#[derive(Debug)]
pub struct Writer<'a> {
    client: &'a Client,
    stream: &'a str,
    deadline: Instant,
    packer: Packer,
    backoff: Backoff,
    records: usize,
}

impl<'a> Writer<'a> {
    /// A writer to `stream` that sends refused records again until `deadline`.
    pub fn new(client: &'a Client, stream: &'a str, deadline: Instant) -> Self {
        Self { client, stream, deadline, packer: Packer::default(), backoff: Backoff::default(), records: 0 }
    }

    /// Adds bars, sending each batch that becomes full.
    ///
    /// # Errors
    /// What Firehose did not accept.
    pub async fn write(&mut self, bars: impl IntoIterator<Item = Bar>) -> Result<(), WriteError> {
        for bar in bars {
            let mut line = serde_json::to_vec(&bar)?;
            line.push(b'\n');
            if let Some(batch) = self.packer.push(&line) {
                self.send(batch).await?;
            }
        }
        Ok(())
    }

    /// Sends what is left and answers how many records the bars took.
    ///
    /// # Errors
    /// What Firehose did not accept.
    pub async fn finish(mut self) -> Result<usize, WriteError> {
        for batch in std::mem::take(&mut self.packer).finish() {
            self.send(batch).await?;
        }
        Ok(self.records)
    }

    /// One batch, and again those of its records that were refused.
    async fn send(&mut self, batch: Vec<Vec<u8>>) -> Result<(), WriteError> {
        let mut waiting = records(batch)?;
        let mut cause = "no time was left to send them".to_owned();
        loop {
            if Instant::now() + self.backoff.0 > self.deadline {
                return Err(WriteError::Refused { accepted: self.records, refused: waiting.len(), cause });
            }
            tokio::time::sleep(self.backoff.pause()).await;
            let sent = waiting.len();
            // The SDK itself would wait for an answer for as long as the invocation lasts.
            cause = match timeout_at(self.deadline, self.put(waiting.clone())).await {
                Err(_) => "it did not answer in time".to_owned(),
                Ok(Ok(answer)) => {
                    waiting = refused(waiting, &answer);
                    self.records += sent - waiting.len();
                    first_error(&answer)
                }
                Ok(Err(ServiceError::Unavailable { message, .. })) => message,
                Ok(Err(error)) => return Err(error.into()),
            };
            tracing::info!(records = sent, refused = waiting.len(), "batch sent");
            if waiting.is_empty() {
                self.backoff.decrease();
                return Ok(());
            }
            self.backoff.increase();
            tracing::warn!(refused = waiting.len(), cause, pause = ?self.backoff.0, "sending the refused records again");
        }
    }

    async fn put(&self, records: Vec<Record>) -> Result<PutRecordBatchOutput, ServiceError> {
        let call = self.client.put_record_batch().delivery_stream_name(self.stream).set_records(Some(records));
        call.send().await.map_err(|error| ServiceError::from_sdk("firehose:PutRecordBatch", &error))
    }
}

fn records(batch: Vec<Vec<u8>>) -> Result<Vec<Record>, ServiceError> {
    let record = |data| Record::builder().data(Blob::new(data)).build();
    batch.into_iter().map(record).collect::<Result<_, _>>().map_err(|error| ServiceError::Refused {
        call: "firehose:PutRecordBatch",
        code: "BuildError".into(),
        message: error.to_string(),
    })
}

/// The records that the answer does not, entry by entry, say were taken. A 200 with refusals is normal.
fn refused(sent: Vec<Record>, answer: &PutRecordBatchOutput) -> Vec<Record> {
    if answer.failed_put_count() == 0 {
        return Vec::new();
    }
    let entries = answer.request_responses();
    let is_taken = |entry: &PutRecordBatchResponseEntry| entry.record_id().is_some() && entry.error_code().is_none();
    let sent = sent.into_iter().enumerate();
    sent.filter(|(at, _)| !entries.get(*at).is_some_and(is_taken)).map(|(_, record)| record).collect()
}

/// The code and the message of the first record that was rejected.
fn first_error(answer: &PutRecordBatchOutput) -> String {
    let first = answer
        .request_responses()
        .iter()
        .find_map(|entry| entry.error_code().map(|code| (code, entry.error_message())));
    first.map(|(code, message)| format!("{code}: {}", message.unwrap_or("no message"))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::PutRecordBatchResponseEntry as Entry;
    use super::*;
    use proptest::prelude::*;

    fn pack(lines: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<Vec<u8>>> {
        let mut packer = Packer::default();
        let mut batches: Vec<_> = lines.into_iter().filter_map(|line| packer.push(&line)).collect();
        batches.extend(packer.finish());
        batches
    }

    fn shape(batches: &[Vec<Vec<u8>>]) -> Vec<usize> {
        batches.iter().map(Vec::len).collect()
    }

    #[test]
    fn a_record_takes_500_lines_and_not_one_more() {
        assert_eq!(shape(&pack(vec![vec![b'x'; 10]; 500])), [1]);
        assert_eq!(shape(&pack(vec![vec![b'x'; 10]; 501])), [2]);
    }

    #[test]
    fn a_record_takes_1000_kib_and_not_a_byte_more() {
        let half = MAX_RECORD_BYTES / 2;
        assert_eq!(shape(&pack([vec![b'x'; half], vec![b'x'; half]])), [1]);
        assert_eq!(shape(&pack([vec![b'x'; half], vec![b'x'; half + 1]])), [2]);
    }

    #[test]
    fn a_batch_takes_500_records_and_not_one_more() {
        let lines = |records: usize| vec![vec![b'x'; 2]; records * MAX_RECORD_LINES];
        assert_eq!(shape(&pack(lines(500))), [500]);
        assert_eq!(shape(&pack(lines(501))), [500, 1]);
    }

    #[test]
    fn a_batch_takes_4_mib_as_sent_and_not_more() {
        // Three records of 1,000 KiB are 3.9 MiB in base64; a fourth does not fit.
        assert_eq!(shape(&pack(vec![vec![b'x'; MAX_RECORD_BYTES]; 4])), [3, 1]);
        assert_eq!(sent_bytes(3), 16);
        assert_eq!(sent_bytes(4), 20);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_limit_is_broken(sizes in prop::collection::vec(1_usize..400_000, 0..60)) {
            let lines: Vec<Vec<u8>> = sizes.iter().enumerate().map(|(n, size)| vec![b'a' + (n % 26) as u8; *size]).collect();
            let batches = pack(lines.clone());
            for batch in &batches {
                prop_assert!(!batch.is_empty() && batch.len() <= MAX_BATCH_RECORDS);
                prop_assert!(batch.iter().all(|record| record.len() <= MAX_RECORD_BYTES));
                prop_assert!(batch.iter().map(|record| sent_bytes(record.len())).sum::<usize>() <= MAX_BATCH_BYTES);
            }
            prop_assert_eq!(batches.concat().concat(), lines.concat());
        }
    }

    #[test]
    fn rejected_records_slow_the_sender_down_and_success_brings_it_back() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.pause(), Duration::ZERO);
        let increased: Vec<_> = (0..8)
            .map(|_| {
                backoff.increase();
                backoff.0.as_millis()
            })
            .collect();
        assert_eq!(increased, [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert!((Duration::from_secs(5)..=Duration::from_secs(10)).contains(&backoff.pause()));
        let decreased: Vec<_> = (0..8)
            .map(|_| {
                backoff.decrease();
                backoff.0.as_millis()
            })
            .collect();
        assert_eq!(decreased, [5000, 2500, 1250, 625, 312, 156, 0, 0]);
    }

    #[test]
    fn only_what_was_refused_is_sent_again() -> Result<(), Box<dyn std::error::Error>> {
        let sent = records(vec![b"a".to_vec(), b"b".to_vec(), b"c".to_vec(), b"d".to_vec()])?;
        let taken = || Entry::builder().record_id("1").build();
        let slow = Entry::builder().error_code("ServiceUnavailableException").error_message("Slow down.").build();
        let answer = PutRecordBatchOutput::builder()
            .failed_put_count(1)
            .set_request_responses(Some(vec![taken(), slow, taken()]))
            .build()?;
        let again: Vec<_> = refused(sent, &answer).into_iter().map(|record| record.data.into_inner()).collect();
        assert_eq!(again, [b"b".to_vec(), b"d".to_vec()], "the answer says nothing of d");
        assert_eq!(first_error(&answer), "ServiceUnavailableException: Slow down.");
        Ok(())
    }
}
