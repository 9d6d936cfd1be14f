//! What `daily` knows of its runs: the last one, and what became of each day, in `daily.json` at the home of the local cloud.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{ListName, TradeDate, format::thousands};

use super::super::backfill::outcome::{DayOutcome, DayReport};
use crate::{exit::Exit, out::OutFolder};

const STATE: &str = "daily.json";
const LOCK: &str = "daily.lock";

/// The runs of `daily` at one home.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub last_run: Option<LastRun>,
    /// Every day of which a run of `daily` has had an outcome, by list.
    days: BTreeMap<ListName, Days>,
}

/// What became of the days of a list.
pub type Days = BTreeMap<TradeDate, DayRecord>;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct LastRun {
    pub list: ListName,
    pub started: Timestamp,
    pub ended: Timestamp,
    pub outcome: Ending,
    /// What failed; a line for each failure.
    pub message: Option<String>,
    /// The absolute path of the page that lists the days.
    pub index: PathBuf,
    /// The days of the run that have an outcome.
    pub days: Vec<TradeDate>,
}

/// How a run of `daily` ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    Done,
    Incomplete,
    NoSession,
    Failed,
    Interrupted,
}

impl From<Exit> for Ending {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::Done,
            Exit::Incomplete => Self::Incomplete,
            Exit::NoSession => Self::NoSession,
            Exit::Failed | Exit::Usage => Self::Failed,
            Exit::Interrupted => Self::Interrupted,
        }
    }
}

impl Ending {
    /// The ending in words.
    pub fn label(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Incomplete => "done, and bars are missing",
            Self::NoSession => "no session",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What became of a day when it was last looked at.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct DayRecord {
    #[serde(flatten)]
    pub outcome: RecordedOutcome,
    /// When `daily` ran it last; none where it was there already.
    pub ran_at: Option<Timestamp>,
    /// The absolute path of the folder of its files.
    pub folder: PathBuf,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RecordedOutcome {
    Exported {
        /// The number of bars of all symbols together.
        bars: usize,
        /// The same when none is missing; none where nobody knows.
        expected: Option<usize>,
        complete: bool,
        simulated: bool,
    },
    NoSession,
    NotOver,
    NotRun,
    Failed {
        /// The error's name, such as `MarketBlocked`.
        error: String,
        cause: String,
    },
}

impl RecordedOutcome {
    fn of(outcome: &DayOutcome) -> Self {
        match outcome {
            DayOutcome::Exported(day) => Self::Exported {
                bars: day.bars(),
                expected: day.expected,
                complete: day.symbols.is_complete(),
                simulated: day.simulated,
            },
            DayOutcome::Closed | DayOutcome::NoSession => Self::NoSession,
            DayOutcome::NotOver => Self::NotOver,
            DayOutcome::NotRun => Self::NotRun,
            DayOutcome::Failed { failure, .. } => {
                Self::Failed { error: failure.error.clone(), cause: failure.cause.clone() }
            }
        }
    }

    /// The outcome in words.
    pub fn describe(&self) -> String {
        match self {
            Self::Exported { bars, expected, complete, .. } => {
                let expected = expected.map(|expected| format!(" of {}", thousands(expected))).unwrap_or_default();
                let what = if *complete { "complete" } else { "incomplete" };
                format!("{what}, {}{expected} bars", thousands(bars))
            }
            Self::NoSession => "no session".to_owned(),
            Self::NotOver => "its session had not ended".to_owned(),
            Self::NotRun => "not run, since the market blocked this machine".to_owned(),
            Self::Failed { error, .. } => format!("failed with {error}"),
        }
    }

    pub fn is_simulated(&self) -> bool {
        matches!(self, Self::Exported { simulated: true, .. })
    }
}

impl State {
    /// The state at a home; empty where nothing has run yet.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn load(home: &Path) -> anyhow::Result<Self> {
        let path = home.join(STATE);
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| {
                format!(
                    "{} is damaged, or of another version: delete it, and the next run begins a new one",
                    path.display()
                )
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Writes it to a home, at once.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, home: &Path) -> anyhow::Result<()> {
        local::write_atomic(&home.join(STATE), &serde_json::to_vec_pretty(self)?)
    }

    /// Whether a run has begun at an instant or since.
    pub fn has_run_since(&self, instant: Timestamp) -> bool {
        self.last_run.as_ref().is_some_and(|last| last.started >= instant)
    }

    /// The days of a list of which something is known.
    pub fn days(&self, list: &ListName) -> impl DoubleEndedIterator<Item = (&TradeDate, &DayRecord)> {
        self.days.get(list).into_iter().flatten()
    }

    /// What became of the days of the last run.
    pub fn days_of_last_run(&self) -> impl Iterator<Item = (&TradeDate, &DayRecord)> {
        let last = self.last_run.as_ref();
        last.into_iter().flat_map(|last| self.days(&last.list).filter(|(date, _)| last.days.contains(date)))
    }

    /// Adds a run, with what became of its days.
    pub fn record(&mut self, run: LastRun, reports: &[DayReport], out: &OutFolder) {
        let days = self.days.entry(run.list.clone()).or_default();
        for DayReport { date, outcome, .. } in reports {
            let was_there = match outcome {
                DayOutcome::Exported(day) => day.seconds.is_none(),
                outcome => matches!(outcome, DayOutcome::NotRun),
            };
            let before = days.get(date).and_then(|record| record.ran_at);
            let ran_at = if was_there { before } else { Some(run.started) };
            days.insert(*date, DayRecord { outcome: RecordedOutcome::of(outcome), ran_at, folder: out.of(*date) });
        }
        self.last_run = Some(run);
    }
}

/// The lock that a run holds, so that there is one at a time. It ends with the file handle, also when the process is killed.
///
/// # Errors
/// When another run holds it, or the file cannot be written.
pub fn lock(home: &Path) -> anyhow::Result<File> {
    let path = home.join(LOCK);
    let file = fs::create_dir_all(home).and_then(|()| File::create(&path));
    let file = file.with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another `finstream daily` is running right now, at {}: wait until it has ended; then `cargo finstream daily --status` \
             says what became of it",
            home.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// Whether a run holds the lock.
pub fn is_locked(home: &Path) -> bool {
    File::open(home.join(LOCK)).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_run_at_a_time() -> anyhow::Result<()> {
        let home = tempfile::tempdir()?;
        let held = lock(home.path())?;
        let refused = lock(home.path()).map_err(|error| error.to_string());
        assert!(refused.is_err_and(|error| error.starts_with("another `finstream daily` is running right now, at /")));
        assert!(is_locked(home.path()));
        drop(held);
        assert!(!is_locked(home.path()));
        lock(home.path())?;
        Ok(())
    }

    #[test]
    fn a_state_that_cannot_be_read_says_what_to_do() -> anyhow::Result<()> {
        let home = tempfile::tempdir()?;
        assert_eq!(State::load(home.path())?, State::default());
        fs::write(home.path().join(STATE), "{")?;
        let error = State::load(home.path()).err().context("it is damaged")?.to_string();
        assert!(error.ends_with("delete it, and the next run begins a new one"), "{error}");
        Ok(())
    }
}
