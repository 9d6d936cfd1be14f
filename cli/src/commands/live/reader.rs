//! Reads a data stream: all of its shards at once, from an instant on, without an end. Faults that pass are waited for and
//! reported; a shard that was split or merged is followed by those that took its place.
//!
//! A shard allows five reads a second, which Firehose shares, and gives at most 10 MB a read: each is read once a second.
//! <https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html>

use std::{collections::BTreeSet, convert::Infallible, time::Duration};

use anyhow::bail;
use futures::{StreamExt, stream::FuturesUnordered};
use jiff::Timestamp;
use tokio::{sync::mpsc::Sender, time::Instant};

/// From one read of a shard to the next.
const INTERVAL: Duration = Duration::from_secs(1);

/// The pause after a fault, which doubles with each that follows.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The calls that reading a data stream takes.
pub trait DataStream {
    /// The ids of its shards, also of closed ones whose records it still keeps.
    async fn shards(&self) -> Result<Vec<String>, Fault>;

    /// An iterator of a shard, which expires five minutes later.
    async fn iterator(&self, shard: &str, position: &Position) -> Result<String, Fault>;

    /// The next records of a shard.
    async fn records(&self, iterator: &str) -> Result<Batch, Fault>;
}

/// Where in a shard to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// With its oldest record.
    Oldest,
    /// With the first record that arrived then or later.
    At(Timestamp),
    /// After the record of this sequence number.
    After(String),
}

/// What one read of a shard gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    pub records: Vec<Record>,
    /// How far the read is behind the end of the shard.
    pub behind: Duration,
    /// The iterator of the next read; `None` at the end of a shard that was split or merged.
    pub next: Option<String>,
    /// The shards that took its place, where it is at its end and the stream names them.
    pub children: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub sequence_number: String,
    /// When it arrived on the stream, approximately.
    pub arrived: Timestamp,
    pub data: Vec<u8>,
}

/// Why a call did not succeed.
#[derive(Debug)]
pub enum Fault {
    /// Others read the shard, too, or the account makes too many calls.
    Throttled,
    /// The iterator is more than five minutes old.
    ExpiredIterator,
    /// There is no such stream or shard.
    NotFound(anyhow::Error),
    /// The service was not reached, or failed.
    Unavailable(String),
    /// No retry will help, such as where a permission is missing.
    Refused(anyhow::Error),
}

/// What a reader reports.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A read of a shard: what it gave, and how far it is behind.
    Read { shard: String, records: Vec<Record>, behind: Duration },
    /// A call for a shard did not succeed, and is repeated after a pause. `None` is the list of shards.
    Paused { shard: Option<String>, why: String, pause: Duration },
    /// The shard has no further records.
    Ended { shard: String },
}

/// Reads the records that arrived from `start` on, and those that follow, and sends them. It ends only when it is dropped, or
/// with an error.
///
/// # Errors
/// When the stream is not there, when a call is refused, or when no shard is left to read.
pub async fn read(stream: &impl DataStream, start: Timestamp, events: &Sender<Event>) -> anyhow::Result<Infallible> {
    let mut known = BTreeSet::new();
    let mut readers = FuturesUnordered::new();
    let mut found = shards(stream, events).await?;
    let mut position = Position::At(start);
    loop {
        for shard in found.drain(..).filter(|shard| known.insert(shard.clone())) {
            readers.push(read_shard(stream, shard, position.clone(), events));
        }
        // What takes the place of a shard is new, and read from its beginning.
        position = Position::Oldest;
        match readers.next().await {
            Some(children) => found = children?,
            None => bail!("the data stream has no open shard left: see its state in the Kinesis console"),
        }
    }
}

/// Reads one shard to its end; returns the shards that took its place.
async fn read_shard(
    stream: &impl DataStream,
    shard: String,
    mut position: Position,
    events: &Sender<Event>,
) -> anyhow::Result<Vec<String>> {
    let mut pauses = Pauses::default();
    let mut iterator: Option<String> = None;
    loop {
        let begun = Instant::now();
        let result = match &iterator {
            Some(iterator) => stream.records(iterator).await,
            None => match stream.iterator(&shard, &position).await {
                Ok(found) => {
                    iterator = Some(found);
                    continue;
                }
                Err(fault) => Err(fault),
            },
        };
        match result {
            Ok(Batch { records, behind, next, children }) => {
                pauses = Pauses::default();
                if let Some(record) = records.last() {
                    position = Position::After(record.sequence_number.clone());
                }
                send(events, Event::Read { shard: shard.clone(), records, behind }).await;
                if next.is_none() {
                    return successors(stream, shard, children, events).await;
                }
                iterator = next;
                tokio::time::sleep_until(begun + INTERVAL).await;
            }
            Err(Fault::ExpiredIterator) => {
                iterator = None;
                tokio::time::sleep_until(begun + INTERVAL).await;
            }
            Err(Fault::NotFound(_)) => return successors(stream, shard, vec![], events).await,
            Err(fault) => pauses.wait(Some(&shard), fault, events).await?,
        }
    }
}

/// The shards that took the place of one that has ended: as its last read named them, otherwise as the stream lists them.
async fn successors(
    stream: &impl DataStream,
    shard: String,
    children: Vec<String>,
    events: &Sender<Event>,
) -> anyhow::Result<Vec<String>> {
    send(events, Event::Ended { shard }).await;
    if children.is_empty() { shards(stream, events).await } else { Ok(children) }
}

async fn shards(stream: &impl DataStream, events: &Sender<Event>) -> anyhow::Result<Vec<String>> {
    let mut pauses = Pauses::default();
    loop {
        match stream.shards().await {
            Ok(shards) => return Ok(shards),
            Err(fault) => pauses.wait(None, fault, events).await?,
        }
    }
}

/// The pauses after faults in a row.
#[derive(Default)]
struct Pauses(u32);

impl Pauses {
    /// Waits before the call is repeated, and says so.
    ///
    /// # Errors
    /// The fault itself, where it will not pass.
    async fn wait(&mut self, shard: Option<&str>, fault: Fault, events: &Sender<Event>) -> anyhow::Result<()> {
        let why = match fault {
            Fault::Throttled => "throttled".to_owned(),
            Fault::Unavailable(why) => why,
            Fault::ExpiredIterator => "the iterator has expired".to_owned(),
            Fault::NotFound(error) | Fault::Refused(error) => return Err(error),
        };
        let pause = FIRST_PAUSE.saturating_mul(1 << self.0.min(8)).min(LONGEST_PAUSE);
        self.0 += 1;
        send(events, Event::Paused { shard: shard.map(str::to_owned), why, pause }).await;
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// Sends an event. Where nobody receives it any more, the reader is about to be dropped.
async fn send(events: &Sender<Event>, event: Event) {
    let _ = events.send(event).await;
}

#[cfg(test)]
mod tests;
