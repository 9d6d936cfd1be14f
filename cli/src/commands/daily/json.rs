//! The JSON forms of `daily`: that of a run, and that of `--status`, `--install` and `--uninstall`.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;
use shared::{ListName, TradeDate};

use super::{
    schedule::Scheduler,
    state::{DayRecord, Ending},
    status::Status,
};
use crate::{
    commands::backfill::{day::Backfill, json::DayJson, outcome::DayReport},
    output::json::{self, Place},
};

#[derive(Debug, Serialize)]
pub struct DailyJson<'a> {
    #[serde(flatten)]
    pub place: Place,
    pub list: &'a ListName,
    /// The absolute path of the page that lists the days.
    pub index: String,
    /// The last sessions, in order.
    pub days: Vec<DayJson<'a>>,
}

impl<'a> DailyJson<'a> {
    pub fn of(backfill: &Backfill, list: &'a ListName, index: &Path, reports: &'a [DayReport]) -> Self {
        let days = reports.iter().map(|report| DayJson::of(report, &backfill.folder(report.date))).collect();
        Self { place: backfill.target.place(), list, index: json::path(index), days }
    }
}

/// The last run, and the next, as they are after the command.
#[derive(Debug, Serialize)]
pub struct StatusJson<'a> {
    /// Whether a schedule is installed; the fields from `scheduler` to `files` are there only then.
    pub installed: bool,
    #[serde(flatten)]
    pub schedule: Option<ScheduleJson>,
    /// `null` where nothing has run yet.
    pub last_run: Option<LastRunJson<'a>>,
}

#[derive(Debug, Serialize)]
pub struct ScheduleJson {
    pub scheduler: Scheduler,
    /// Whether the scheduler says that it will start it; `null` where it does not answer.
    pub active: Option<bool>,
    /// The time of day in New York.
    pub at: String,
    /// The next start.
    pub next_run: Timestamp,
    /// The absolute paths of its files.
    pub files: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct LastRunJson<'a> {
    pub list: &'a ListName,
    pub started: Timestamp,
    pub ended: Timestamp,
    /// `done`, `incomplete`, `no_session`, `failed` or `interrupted`.
    pub outcome: Ending,
    /// What failed; `null` where nothing did.
    pub message: Option<&'a str>,
    /// The absolute path of the page that lists the days.
    pub index: String,
    /// What became of its days, in order.
    pub days: Vec<RecordJson<'a>>,
}

#[derive(Debug, Serialize)]
pub struct RecordJson<'a> {
    pub trade_date: TradeDate,
    #[serde(flatten)]
    pub record: &'a DayRecord,
}

impl<'a> StatusJson<'a> {
    pub fn of(status: &'a Status) -> Self {
        let schedule = status.installed.as_ref().map(|installed| ScheduleJson {
            scheduler: status.scheduler,
            active: installed.active,
            at: installed.schedule.time_of_day(),
            next_run: installed.next,
            files: installed.files.iter().map(|file| json::path(file)).collect(),
        });
        let days = || status.state.days_of_last_run().map(|(date, record)| RecordJson { trade_date: *date, record });
        let last_run = status.state.last_run.as_ref().map(|last| LastRunJson {
            list: &last.list,
            started: last.started,
            ended: last.ended,
            outcome: last.outcome,
            message: last.message.as_deref(),
            index: json::path(&last.index),
            days: days().collect(),
        });
        Self { installed: schedule.is_some(), schedule, last_run }
    }
}
