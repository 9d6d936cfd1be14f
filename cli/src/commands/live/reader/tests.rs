use std::{cell::RefCell, collections::VecDeque};

use anyhow::anyhow;
use tokio::sync::mpsc;

use super::*;

type Reads = VecDeque<Result<Batch, Fault>>;

/// A stream that answers by a script: for each shard what its reads give, one after the other.
#[derive(Default)]
struct Script {
    lists: RefCell<VecDeque<Result<Vec<&'static str>, Fault>>>,
    reads: RefCell<Vec<(&'static str, Reads)>>,
    /// The calls, each with the seconds since the start.
    calls: RefCell<Vec<String>>,
    start: Option<Instant>,
}

impl Script {
    fn new(
        lists: Vec<Result<Vec<&'static str>, Fault>>,
        reads: Vec<(&'static str, Vec<Result<Batch, Fault>>)>,
    ) -> Self {
        let reads = reads.into_iter().map(|(shard, reads)| (shard, reads.into())).collect();
        Self {
            lists: RefCell::new(lists.into()),
            reads: RefCell::new(reads),
            start: Some(Instant::now()),
            ..Self::default()
        }
    }

    fn call(&self, call: &str) {
        let seconds = self.start.map_or(0, |start| start.elapsed().as_secs());
        self.calls.borrow_mut().push(format!("{seconds} {call}"));
    }
}

impl DataStream for Script {
    async fn shards(&self) -> Result<Vec<String>, Fault> {
        self.call("list");
        let list = self.lists.borrow_mut().pop_front();
        list.unwrap_or_else(|| Ok(vec![])).map(|shards| shards.into_iter().map(str::to_owned).collect())
    }

    async fn iterator(&self, shard: &str, position: &Position) -> Result<String, Fault> {
        self.call(&match position {
            Position::Oldest => format!("{shard} from the oldest"),
            Position::At(at) => format!("{shard} from {at}"),
            Position::After(number) => format!("{shard} after {number}"),
        });
        Ok(shard.to_owned())
    }

    async fn records(&self, iterator: &str) -> Result<Batch, Fault> {
        self.call(&format!("{iterator} read"));
        let mut reads = self.reads.borrow_mut();
        let script = reads.iter_mut().find(|(shard, _)| *shard == iterator);
        // After the script the stream is refused, which ends the test.
        script.and_then(|(_, reads)| reads.pop_front()).unwrap_or_else(|| Err(Fault::Refused(anyhow!("end"))))
    }
}

fn record(number: &str) -> Record {
    Record { sequence_number: number.to_owned(), arrived: Timestamp::UNIX_EPOCH, data: number.as_bytes().to_vec() }
}

fn batch(numbers: &[&str], next: Option<&str>, children: &[&str]) -> Result<Batch, Fault> {
    let children = children.iter().map(ToString::to_string).collect();
    Ok(Batch {
        records: numbers.iter().map(|number| record(number)).collect(),
        behind: Duration::from_secs(2),
        next: next.map(str::to_owned),
        children,
    })
}

/// Reads to the end of the script: the error, the calls, and the events in short.
async fn run(script: Script) -> (String, Vec<String>, Vec<String>) {
    let (sender, mut receiver) = mpsc::channel(100);
    let error = read(&script, Timestamp::UNIX_EPOCH, &sender).await.err().map(|error| error.to_string());
    drop(sender);
    let mut events = Vec::new();
    while let Some(event) = receiver.recv().await {
        events.push(match event {
            Event::Read { shard, records, .. } => {
                format!(
                    "{shard}: {}",
                    records.into_iter().map(|record| record.sequence_number).collect::<Vec<_>>().join(",")
                )
            }
            Event::Paused { shard, why, pause } => format!("{}: {why}, {pause:?}", shard.as_deref().unwrap_or("list")),
            Event::Ended { shard } => format!("{shard} ended"),
        });
    }
    (error.unwrap_or_default(), script.calls.into_inner(), events)
}

#[tokio::test(start_paused = true)]
async fn each_shard_is_read_once_a_second() {
    let reads = || vec![batch(&["1"], Some("a"), &[]), batch(&[], Some("a"), &[])];
    let (error, calls, events) = run(Script::new(vec![Ok(vec!["a"])], vec![("a", reads())])).await;
    assert_eq!(error, "end");
    assert_eq!(calls, ["0 list", "0 a from 1970-01-01T00:00:00Z", "0 a read", "1 a read", "2 a read"]);
    assert_eq!(events, ["a: 1", "a: "]);
}

#[tokio::test(start_paused = true)]
async fn after_a_throttled_or_lost_call_the_same_iterator_is_read_again() {
    let reads = vec![
        batch(&["1"], Some("a"), &[]),
        Err(Fault::Throttled),
        Err(Fault::Unavailable("no route to host".into())),
        batch(&["2"], Some("a"), &[]),
        Err(Fault::Throttled),
    ];
    let (_, calls, events) = run(Script::new(vec![Ok(vec!["a"])], vec![("a", reads)])).await;
    assert_eq!(
        calls,
        [
            "0 list",
            "0 a from 1970-01-01T00:00:00Z",
            "0 a read",
            "1 a read",
            "2 a read",
            "4 a read",
            "5 a read",
            "6 a read"
        ]
    );
    assert_eq!(events, ["a: 1", "a: throttled, 1s", "a: no route to host, 2s", "a: 2", "a: throttled, 1s"]);
}

#[tokio::test(start_paused = true)]
async fn pauses_double_up_to_half_a_minute() {
    let reads = (0..8).map(|_| Err(Fault::Throttled)).collect();
    let (_, _, events) = run(Script::new(vec![Ok(vec!["a"])], vec![("a", reads)])).await;
    let pauses: Vec<_> = events.iter().filter_map(|event| event.rsplit(' ').next()).collect();
    assert_eq!(pauses, ["1s", "2s", "4s", "8s", "16s", "30s", "30s", "30s"]);
}

#[tokio::test(start_paused = true)]
async fn an_expired_iterator_is_replaced_by_one_after_the_last_record() {
    let reads = vec![
        Err(Fault::ExpiredIterator),
        batch(&["1", "2"], Some("a"), &[]),
        batch(&[], Some("a"), &[]),
        Err(Fault::ExpiredIterator),
        batch(&["3"], Some("a"), &[]),
    ];
    let (_, calls, events) = run(Script::new(vec![Ok(vec!["a"])], vec![("a", reads)])).await;
    assert_eq!(
        calls.iter().filter(|call| !call.ends_with("read")).collect::<Vec<_>>(),
        ["0 list", "0 a from 1970-01-01T00:00:00Z", "1 a from 1970-01-01T00:00:00Z", "4 a after 2"]
    );
    assert_eq!(events, ["a: 1,2", "a: ", "a: 3"]);
}

#[tokio::test(start_paused = true)]
async fn what_takes_the_place_of_a_shard_is_read_from_its_beginning() {
    for (what, end, lists) in [
        ("split, named by the last read", batch(&["1"], None, &["b", "c"]), vec![Ok(vec!["a"])]),
        ("split, found in the list", batch(&["1"], None, &[]), vec![Ok(vec!["a"]), Ok(vec!["a", "b", "c"])]),
        (
            "gone, and the list fails once",
            Err(Fault::NotFound(anyhow!("no shard a"))),
            vec![Ok(vec!["a"]), Err(Fault::Throttled), Ok(vec!["b", "c"])],
        ),
    ] {
        let reads = vec![
            ("a", vec![batch(&["0"], Some("a"), &[]), end]),
            ("b", vec![batch(&["2"], Some("b"), &[])]),
            ("c", vec![batch(&["3"], Some("c"), &[])]),
        ];
        let (_, calls, events) = run(Script::new(lists, reads)).await;
        for shard in ["b", "c"] {
            assert!(calls.iter().any(|call| call.ends_with(&format!("{shard} from the oldest"))), "{what}: {calls:?}");
        }
        for event in ["a: 0", "a ended", "b: 2", "c: 3"] {
            assert_eq!(events.iter().filter(|known| *known == event).count(), 1, "{what}: {event} in {events:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn merged_shards_have_one_child_which_is_read_once() {
    let end = || vec![batch(&[], None, &["c"])];
    let reads = vec![("a", end()), ("b", end()), ("c", vec![batch(&["3"], Some("c"), &[])])];
    let (_, calls, _) = run(Script::new(vec![Ok(vec!["a", "b"])], reads)).await;
    assert_eq!(calls.iter().filter(|call| call.contains("c from the oldest")).count(), 1, "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn what_will_not_pass_ends_it() {
    for (lists, reads, says) in [
        (vec![Err(Fault::NotFound(anyhow!("no stream")))], vec![], "no stream"),
        (vec![Ok(vec!["a"])], vec![Err(Fault::Refused(anyhow!("denied")))], "denied"),
        (vec![Ok(vec![])], vec![], "the data stream has no open shard left"),
        (vec![Ok(vec!["a"]), Ok(vec!["a"])], vec![batch(&[], None, &[])], "has no open shard left"),
    ] {
        let (error, _, _) = run(Script::new(lists, vec![("a", reads)])).await;
        assert!(error.contains(says), "{says}: {error}");
    }
}
