//! Writing bars to Firehose: many lines to a record, many records to a call, and of a call only the rejected records
//! are sent again.

mod packer;

use std::time::Duration;

use aws_sdk_firehose::{
    Client,
    operation::put_record_batch::PutRecordBatchOutput,
    primitives::Blob,
    types::{PutRecordBatchResponseEntry, Record},
};
use shared::{Bar, ServiceError};
use tokio::time::{Instant, timeout_at};

use self::packer::Packer;

/// Why bars did not reach Firehose.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A bar could not be written as JSON.
    #[error("a bar cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The call itself failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Firehose rejected records, or was not reached, until the deadline.
    #[error(
        "firehose accepted {accepted} records and rejected {rejected} until the invocation's time was up ({cause}); run again: of bars that are written twice the last write wins"
    )]
    Rejected {
        /// The number of records that Firehose has accepted.
        accepted: usize,
        /// The number of records that it has not.
        rejected: usize,
        /// The last error of a call or of a record.
        cause: String,
    },
}

/// The pause before each call: none until Firehose rejects a record, doubled by each call with rejected records and
/// halved by each batch that is accepted.
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

    /// The pause with jitter: from half of it to all of it, so that several senders do not return at once.
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
    /// A writer to `stream` that sends rejected records again until `deadline`.
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

    /// Sends what is left and returns the number of records that the bars took.
    ///
    /// # Errors
    /// What Firehose did not accept.
    pub async fn finish(mut self) -> Result<usize, WriteError> {
        for batch in std::mem::take(&mut self.packer).finish() {
            self.send(batch).await?;
        }
        Ok(self.records)
    }

    /// Sends one batch, and again those of its records that were rejected.
    async fn send(&mut self, batch: Vec<Vec<u8>>) -> Result<(), WriteError> {
        let mut waiting = records(batch)?;
        let mut cause = "no time was left to send them".to_owned();
        loop {
            if Instant::now() + self.backoff.0 > self.deadline {
                return Err(WriteError::Rejected { accepted: self.records, rejected: waiting.len(), cause });
            }
            tokio::time::sleep(self.backoff.pause()).await;
            let sent = waiting.len();
            // The SDK has no timeout of its own: it would wait until Lambda ends the invocation.
            cause = match timeout_at(self.deadline, self.put(waiting.clone())).await {
                Err(_) => "it did not answer in time".to_owned(),
                Ok(Ok(answer)) => {
                    waiting = rejected(waiting, &answer);
                    self.records += sent - waiting.len();
                    first_error(&answer)
                }
                Ok(Err(ServiceError::Unavailable { message, .. })) => message,
                Ok(Err(error)) => return Err(error.into()),
            };
            tracing::info!(records = sent, rejected = waiting.len(), "batch sent");
            if waiting.is_empty() {
                self.backoff.decrease();
                return Ok(());
            }
            self.backoff.increase();
            tracing::warn!(rejected = waiting.len(), cause, pause = ?self.backoff.0, "sending the rejected records again");
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

/// The records that the reply does not list as accepted. A reply of status 200 may list rejected records.
/// <https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html>
fn rejected(sent: Vec<Record>, answer: &PutRecordBatchOutput) -> Vec<Record> {
    if answer.failed_put_count() == 0 {
        return Vec::new();
    }
    let entries = answer.request_responses();
    let is_accepted = |entry: &PutRecordBatchResponseEntry| entry.record_id().is_some() && entry.error_code().is_none();
    let sent = sent.into_iter().enumerate();
    sent.filter(|(at, _)| !entries.get(*at).is_some_and(is_accepted)).map(|(_, record)| record).collect()
}

/// The error code and message of the first rejected record; empty where none was.
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

    #[test]
    fn the_pause_doubles_with_rejected_records_and_halves_with_success() {
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
    fn only_rejected_records_are_sent_again() -> Result<(), Box<dyn std::error::Error>> {
        let sent = records(vec![b"a".to_vec(), b"b".to_vec(), b"c".to_vec(), b"d".to_vec()])?;
        let accepted = || Entry::builder().record_id("1").build();
        let slow = Entry::builder().error_code("ServiceUnavailableException").error_message("Slow down.").build();
        let answer = PutRecordBatchOutput::builder()
            .failed_put_count(1)
            .set_request_responses(Some(vec![accepted(), slow, accepted()]))
            .build()?;
        let again: Vec<_> = rejected(sent, &answer).into_iter().map(|record| record.data.into_inner()).collect();
        assert_eq!(again, [b"b".to_vec(), b"d".to_vec()], "the reply has no entry for d");
        assert_eq!(first_error(&answer), "ServiceUnavailableException: Slow down.");
        Ok(())
    }
}
