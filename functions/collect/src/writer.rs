//! Writing bars to a stream: many lines to a record, many records to a call, and of a call only the rejected records are
//! sent again.

mod lines;
mod packer;

use std::time::Duration;

use lambda_runtime::tracing::Instrument;
use shared::{Bar, ServiceError, TradeDate};
use tokio::{
    runtime::Handle,
    sync::mpsc,
    task::{JoinError, JoinSet},
    time::{Instant, timeout_at},
};

pub use self::{lines::Lines, packer::Packer};
use crate::source::Ohlcv;

/// What one call to a stream may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most records in one call.
    pub batch_records: usize,
    /// The most bytes of one call, as `sent_bytes` has them.
    pub batch_bytes: usize,
    /// The bytes that a record of this length takes in the call.
    pub sent_bytes: fn(usize) -> usize,
}

/// A stream that bars are written to.
pub trait Stream: Clone + Send + Sync + 'static {
    /// Its name in messages.
    const SERVICE: &'static str;
    /// What one call may hold.
    const LIMITS: Limits;

    /// Sends records in one call.
    fn put(&self, records: &[Vec<u8>]) -> impl Future<Output = Result<Receipt, ServiceError>> + Send;
}

/// What a stream answers to a call of status 200, which may have rejected records.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// For each record of the call whether it is rejected; empty where none is.
    pub rejected: Vec<bool>,
    /// The error code and the message of the first of them.
    pub cause: String,
}

impl Receipt {
    /// What the answer says of `sent` records, which has an entry for each in the same order: none for one that was accepted,
    /// else the code and the message. A record without an entry is taken as rejected.
    pub fn of<'a>(sent: usize, entries: impl Iterator<Item = Option<(&'a str, Option<&'a str>)>>) -> Self {
        let mut receipt = Self::default();
        for entry in entries {
            receipt.rejected.push(entry.is_some());
            if let (Some((code, message)), true) = (entry, receipt.cause.is_empty()) {
                receipt.cause = format!("{code}: {}", message.unwrap_or("no message"));
            }
        }
        receipt.rejected.resize(sent, true);
        receipt
    }

    /// The records that were not accepted.
    fn rejected_of(&self, records: Batch) -> Batch {
        let is_rejected = |at: usize| self.rejected.get(at).copied().unwrap_or_default();
        records.into_iter().enumerate().filter(|(at, _)| is_rejected(*at)).map(|(_, record)| record).collect()
    }
}

/// Why bars did not reach the stream.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A bar could not be written as JSON.
    #[error("a bar cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The task that sends batches ended before its time.
    #[error("batches are no longer sent: {0}")]
    Stopped(#[from] JoinError),
    /// The call itself failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The stream rejected records, or was not reached, until the deadline.
    #[error(
        "{service} accepted {accepted} records and rejected {rejected} until the invocation's time was up ({cause}); run again: of bars that are written twice the last write wins"
    )]
    Rejected {
        /// The service.
        service: &'static str,
        /// The number of records that it has accepted.
        accepted: usize,
        /// The number of records that it has not.
        rejected: usize,
        /// The last error of a call or of a record.
        cause: String,
    },
}

/// The pause before each call: none until the stream rejects a record, doubled by each call with rejected records and
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

/// The bars of one symbol's session.
#[derive(Debug)]
pub struct SymbolBars {
    /// One of them, which has all in common with the others but start, prices and volume.
    pub common: Bar,
    /// All of them.
    pub bars: Vec<Ohlcv>,
}

/// The symbols that are handed over at once: for each one alone the thread that sends would have to be woken.
const HANDED_OVER: usize = 16;

/// Writes the bars of one collection to a stream: a task of its own packs and sends them, while the next ones are fetched.
#[derive(Debug)]
pub struct Writer {
    /// The symbols that are not handed over yet.
    symbols: Vec<SymbolBars>,
    /// Those that are, of which few wait.
    handed_over: mpsc::Sender<Vec<SymbolBars>>,
    /// The task, which returns the number of records that the stream accepted. A set, since it ends its tasks with itself.
    sending: JoinSet<Result<usize, WriteError>>,
}

/// The records of one call.
type Batch = Vec<Vec<u8>>;

impl Writer {
    /// A writer to `stream` that sends rejected records again until `deadline`, on a thread of the runtime `sending`.
    pub fn new<S: Stream>(stream: &S, sending: &Handle, deadline: Instant) -> Self {
        let (handed_over, symbols) = mpsc::channel(2);
        let sender = Sender {
            lines: Lines::default(),
            packer: Packer::new(S::LIMITS),
            trade_date: None,
            stream: stream.clone(),
            deadline,
            backoff: Backoff::default(),
            records: 0,
        };
        let mut task = JoinSet::new();
        // In the span of the collection, so that the log says of which run a batch is.
        task.spawn_on(sender.send_all(symbols).in_current_span(), sending);
        Self { symbols: vec![], handed_over, sending: task }
    }

    /// Adds the bars of symbols, and has each batch that becomes full sent. It waits where the stream takes longer than the fetching.
    ///
    /// # Errors
    /// What the stream did not accept, of these bars or of earlier ones.
    pub async fn write(&mut self, symbols: impl IntoIterator<Item = SymbolBars>) -> Result<(), WriteError> {
        self.symbols.extend(symbols);
        if self.symbols.len() < HANDED_OVER { Ok(()) } else { self.hand_over().await }
    }

    /// Sends what is left and returns the number of records that the bars took.
    ///
    /// # Errors
    /// What the stream did not accept.
    pub async fn finish(mut self) -> Result<usize, WriteError> {
        self.hand_over().await?;
        let Self { handed_over, sending, .. } = self;
        drop(handed_over);
        ended(sending).await
    }

    async fn hand_over(&mut self) -> Result<(), WriteError> {
        match self.handed_over.send(std::mem::take(&mut self.symbols)).await {
            Ok(()) => Ok(()),
            // The task takes nothing more only where it has failed.
            Err(_) => ended(std::mem::take(&mut self.sending)).await.map(drop),
        }
    }
}

/// The number of records that the task has sent.
async fn ended(mut sending: JoinSet<Result<usize, WriteError>>) -> Result<usize, WriteError> {
    sending.join_next().await.unwrap_or(Ok(Ok(0)))?
}

/// Packs and sends the bars of a writer.
#[derive(Debug)]
struct Sender<S> {
    lines: Lines,
    packer: Packer,
    /// The session of the bars in the open record: a record holds one, so that it lands in one partition as it is.
    trade_date: Option<TradeDate>,
    stream: S,
    deadline: Instant,
    backoff: Backoff,
    /// The number of records that the stream has accepted.
    records: usize,
}

impl<S: Stream> Sender<S> {
    /// Sends all bars, and returns the number of records.
    async fn send_all(mut self, mut handed_over: mpsc::Receiver<Vec<SymbolBars>>) -> Result<usize, WriteError> {
        while let Some(symbols) = handed_over.recv().await {
            for symbol in symbols {
                self.add(symbol).await?;
            }
        }
        for batch in self.packer.finish() {
            self.send(batch).await?;
        }
        Ok(self.records)
    }

    /// Packs the bars of a symbol, and sends each batch that becomes full.
    async fn add(&mut self, SymbolBars { common, bars }: SymbolBars) -> Result<(), WriteError> {
        if self.trade_date.replace(common.trade_date).is_some_and(|before| before != common.trade_date)
            && let Some(batch) = self.packer.close_record()
        {
            self.send(batch).await?;
        }
        self.lines.begin(&common)?;
        for bar in &bars {
            if let Some(batch) = self.packer.push(self.lines.line(bar)?) {
                self.send(batch).await?;
            }
        }
        Ok(())
    }

    /// Sends one batch, and again those of its records that were rejected.
    async fn send(&mut self, batch: Batch) -> Result<(), WriteError> {
        let mut waiting = batch;
        let mut cause = "no time was left to send them".to_owned();
        loop {
            if Instant::now() + self.backoff.0 > self.deadline {
                let (accepted, rejected) = (self.records, waiting.len());
                return Err(WriteError::Rejected { service: S::SERVICE, accepted, rejected, cause });
            }
            tokio::time::sleep(self.backoff.pause()).await;
            let sent = waiting.len();
            // The SDK has no timeout of its own: it would wait until Lambda ends the invocation.
            cause = match timeout_at(self.deadline, self.stream.put(&waiting)).await {
                Err(_) => "it did not answer in time".to_owned(),
                Ok(Ok(receipt)) => {
                    waiting = receipt.rejected_of(waiting);
                    self.records += sent - waiting.len();
                    receipt.cause
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
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use jiff::{SignedDuration, Timestamp, tz::TimeZone};
    use shared::{Interval, Price};
    use tokio::runtime::Builder;

    use super::*;

    /// A stream that keeps what it gets, or rejects all of it.
    #[derive(Debug, Clone, Default)]
    struct Recorder {
        rejects: bool,
        lines: Arc<Mutex<Vec<u8>>>,
    }

    impl Stream for Recorder {
        const SERVICE: &'static str = "recorder";
        const LIMITS: Limits = Limits { batch_records: 4, batch_bytes: 1 << 20, sent_bytes: |bytes| bytes };

        async fn put(&self, records: &[Vec<u8>]) -> Result<Receipt, ServiceError> {
            if self.rejects {
                return Ok(Receipt::of(records.len(), std::iter::empty()));
            }
            if let Ok(mut lines) = self.lines.lock() {
                lines.extend(records.concat());
            }
            Ok(Receipt::default())
        }
    }

    /// The bars of a symbol of New York, of which each has its place as the volume.
    fn symbol(number: usize) -> Result<SymbolBars, Box<dyn std::error::Error>> {
        let (price, start) = (Price::from_wire(1.5).ok_or("no price")?, "2021-11-30T14:30:00Z".parse::<Timestamp>()?);
        let bar = |place: u64| -> Result<_, jiff::Error> {
            let start = start + SignedDuration::from_mins(5 * i64::try_from(place).unwrap_or_default());
            Ok(Ohlcv { start, open: price, high: price, low: price, close: price, volume: place })
        };
        let common = Bar {
            symbol: format!("S{number}").parse()?,
            company_name: format!("Company {number}"),
            trade_date: "2021-11-30".parse()?,
            ts: start.to_zoned(TimeZone::get("America/New_York")?),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: 0,
            currency: None,
            interval: Interval::FiveMinutes,
            collected_at: start,
            run_id: "run-1".parse()?,
            previous_close: None,
            source: None,
            feed: None,
        };
        Ok(SymbolBars { common, bars: (0..78).map(bar).collect::<Result<_, _>>()? })
    }

    /// Writes 200 symbols as the function does, on one runtime for what is read and one for what is sent.
    fn write(stream: &Recorder, deadline: Duration) -> Result<Result<usize, WriteError>, Box<dyn std::error::Error>> {
        let sending = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let symbols = (0..200).map(symbol).collect::<Result<Vec<_>, _>>()?;
        Ok(Builder::new_current_thread().enable_all().build()?.block_on(async {
            let mut writer = Writer::new(stream, sending.handle(), Instant::now() + deadline);
            for symbol in symbols {
                writer.write([symbol]).await?;
            }
            writer.finish().await
        }))
    }

    #[test]
    fn what_another_thread_sends_is_every_bar_in_order() -> Result<(), Box<dyn std::error::Error>> {
        let stream = Recorder::default();
        let records = write(&stream, Duration::from_secs(60))??;
        assert_eq!(records, (200_usize * 78).div_ceil(500));
        let mut lines = Lines::default();
        let mut expected = vec![];
        for number in 0..200 {
            let SymbolBars { common, bars } = symbol(number)?;
            lines.begin(&common)?;
            for bar in &bars {
                expected.extend_from_slice(lines.line(bar)?);
            }
        }
        let sent = stream.lines.lock().map_err(|error| error.to_string())?;
        assert!(*sent == expected, "{} bytes were sent, not {}, or others", sent.len(), expected.len());
        Ok(())
    }

    #[test]
    fn a_stream_that_rejects_everything_ends_the_writing_at_the_deadline() -> Result<(), Box<dyn std::error::Error>> {
        let ended = write(&Recorder { rejects: true, ..Recorder::default() }, Duration::from_millis(500))?;
        assert!(matches!(ended, Err(WriteError::Rejected { accepted: 0, rejected: 4.., .. })), "{ended:?}");
        Ok(())
    }

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
    fn only_rejected_records_are_sent_again() {
        let sent: Vec<_> = ["a", "b", "c", "d"].map(|data| data.as_bytes().to_vec()).into();
        let slow = Some(("ServiceUnavailableException", Some("Slow down.")));
        let receipt = Receipt::of(sent.len(), [None, slow, None].into_iter());
        assert_eq!(receipt.cause, "ServiceUnavailableException: Slow down.");
        assert_eq!(receipt.rejected_of(sent.clone()), [b"b", b"d"], "the reply has no entry for d");
        assert_eq!(Receipt::default().rejected_of(sent), Vec::<Vec<u8>>::new());
    }
}
