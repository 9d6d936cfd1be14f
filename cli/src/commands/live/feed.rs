//! How the reading of the stream is going.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{reader::Event, short_duration::short};

/// What the reader has reported.
#[derive(Debug, Default)]
pub struct Feed {
    shards: BTreeMap<String, Shard>,
    /// Why the shards cannot be listed.
    list: Option<Pause>,
    newest: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Shard {
    behind: Duration,
    pause: Option<Pause>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pause {
    why: String,
    until: Timestamp,
}

/// Whether records come in, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Nothing has been read yet.
    Connecting,
    /// At the end of every shard, or nearly.
    Current,
    /// Behind the end of a shard.
    CatchingUp,
    /// A call is repeated after a pause.
    Paused,
}

/// A read that is not this much behind is at the end of its shard.
const NEARLY: Duration = Duration::from_secs(5);

impl Feed {
    /// Adds what the reader reports at `now`.
    pub fn add(&mut self, event: &Event, now: Timestamp) {
        match event {
            Event::Read { shard, records, behind } => {
                self.list = None;
                self.shards.insert(shard.clone(), Shard { behind: *behind, pause: None });
                self.newest = self.newest.max(records.iter().map(|record| record.arrived).max());
            }
            Event::Paused { shard, why, pause } => {
                let until = now.checked_add(*pause).unwrap_or(now);
                let pause = Some(Pause { why: why.clone(), until });
                match shard {
                    Some(shard) => self.shards.entry(shard.clone()).or_default().pause = pause,
                    None => self.list = pause,
                }
            }
            Event::Ended { shard } => {
                self.shards.remove(shard);
            }
        }
    }

    /// When the newest record arrived on the stream.
    pub fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    pub fn health(&self) -> Health {
        if self.pauses().next().is_some() {
            Health::Paused
        } else if self.shards.is_empty() {
            Health::Connecting
        } else if self.behind() > NEARLY {
            Health::CatchingUp
        } else {
            Health::Current
        }
    }

    /// One line for people.
    pub fn describe(&self, now: Timestamp) -> String {
        let shards = crate::output::format::pluralize(self.shards.len(), "shard");
        match (self.health(), self.pauses().next()) {
            (_, Some(pause)) => {
                let next = match pause.until.duration_since(now) {
                    left if left.is_positive() => format!("in {}", short(ceil(left))),
                    _ => "now".to_owned(),
                };
                let affected = self.shards.values().filter(|shard| shard.pause.is_some()).count();
                let of = if self.shards.len() > affected && affected > 0 {
                    format!(" ({affected} of {shards})")
                } else {
                    String::new()
                };
                format!("waiting{of}, next read {next}: {}", pause.why)
            }
            (Health::Connecting, None) => "connecting".to_owned(),
            (Health::CatchingUp, None) => format!("catching up on {shards}, {} behind", self.lag()),
            _ => format!("reading {shards}, {} behind", self.lag()),
        }
    }

    /// How far the slowest shard is behind its end.
    pub fn behind(&self) -> Duration {
        self.shards.values().map(|shard| shard.behind).max().unwrap_or_default()
    }

    fn lag(&self) -> String {
        short(SignedDuration::try_from(self.behind()).unwrap_or(SignedDuration::MAX))
    }

    fn pauses(&self) -> impl Iterator<Item = &Pause> {
        self.list.iter().chain(self.shards.values().filter_map(|shard| shard.pause.as_ref()))
    }
}

/// A duration rounded up to whole seconds, so that a pause of which something is left has not 0 s.
fn ceil(duration: SignedDuration) -> SignedDuration {
    SignedDuration::from_secs(duration.as_secs() + i64::from(duration.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::{super::reader::Record, *};

    fn read(shard: &str, behind: u64, arrived: Option<&str>) -> Result<Event, jiff::Error> {
        let record = |arrived: Timestamp| Record { sequence_number: "1".into(), arrived, data: vec![] };
        let arrived = arrived.map(str::parse).transpose()?;
        Ok(Event::Read {
            shard: shard.into(),
            records: arrived.map(record).into_iter().collect(),
            behind: Duration::from_secs(behind),
        })
    }

    fn paused(shard: Option<&str>, why: &str, pause: u64) -> Event {
        Event::Paused { shard: shard.map(str::to_owned), why: why.into(), pause: Duration::from_secs(pause) }
    }

    #[test]
    fn the_state_is_that_of_the_worst_shard() -> Result<(), jiff::Error> {
        let mut feed = Feed::default();
        for (event, says, health) in [
            (paused(None, "no route to host", 2), "waiting, next read in 2 s: no route to host", Health::Paused),
            (read("a", 0, None)?, "reading 1 shard, 0 s behind", Health::Current),
            (read("b", 8_000, None)?, "catching up on 2 shards, 2 h behind", Health::CatchingUp),
            (read("b", 3, None)?, "reading 2 shards, 3 s behind", Health::Current),
            (paused(Some("b"), "throttled", 4), "waiting (1 of 2 shards), next read in 4 s: throttled", Health::Paused),
            (read("b", 0, None)?, "reading 2 shards, 0 s behind", Health::Current),
            (Event::Ended { shard: "b".into() }, "reading 1 shard, 0 s behind", Health::Current),
            (paused(Some("a"), "throttled", 1), "waiting, next read in 1 s: throttled", Health::Paused),
        ] {
            let now = "2026-11-20T14:36:00Z".parse()?;
            feed.add(&event, now);
            assert_eq!((feed.describe(now).as_str(), feed.health()), (says, health), "{event:?}");
        }
        assert_eq!(Feed::default().describe(Timestamp::UNIX_EPOCH), "connecting");
        Ok(())
    }

    #[test]
    fn a_pause_is_over_when_nothing_of_it_is_left() -> Result<(), jiff::Error> {
        let mut feed = Feed::default();
        let paused_at: Timestamp = "2026-11-20T14:36:00Z".parse()?;
        feed.add(&paused(None, "throttled", 2), paused_at);
        for (millis, next) in
            [(0, "in 2 s"), (1, "in 2 s"), (1_000, "in 1 s"), (1_999, "in 1 s"), (2_000, "now"), (9_000, "now")]
        {
            let now = paused_at.checked_add(SignedDuration::from_millis(millis))?;
            assert_eq!(feed.describe(now), format!("waiting, next read {next}: throttled"), "{millis}");
        }
        Ok(())
    }

    #[test]
    fn the_newest_record_is_that_of_all_shards() -> Result<(), jiff::Error> {
        let mut feed = Feed::default();
        for (shard, arrived) in [("a", "2026-11-20T14:36:02Z"), ("b", "2026-11-20T14:31:02Z")] {
            feed.add(&read(shard, 0, Some(arrived))?, Timestamp::UNIX_EPOCH);
        }
        feed.add(&read("a", 0, None)?, Timestamp::UNIX_EPOCH);
        assert_eq!(feed.newest(), Some("2026-11-20T14:36:02Z".parse()?));
        Ok(())
    }
}
