//! The page that lists the days, `index.html` above the folders of the days: one self-contained file that requests nothing.
//!
//! The values are prepared here; the markup and the style are in `templates/index.html`.

use std::path::Path;

use anyhow::Context;
use askama::Template;
use jiff::Timestamp;
use shared::{ListName, TradeDate};
use url::Url;

use super::state::{DayRecord, Ending, LastRun, RecordedOutcome, State};
use crate::output::hints;

#[derive(Template)]
#[template(path = "index.html", whitespace = "minimize")]
struct Index<'a> {
    list: &'a ListName,
    /// Whether the last run failed.
    failed: bool,
    outcome: &'static str,
    message: Option<&'a str>,
    last_run: String,
    simulated: bool,
    days: Vec<Day<'a>>,
}

struct Day<'a> {
    date: TradeDate,
    weekday: String,
    record: &'a DayRecord,
    state: String,
    /// Of a failure: its cause, and what to do about it.
    failure: Option<(&'a str, &'static str)>,
    ran_at: String,
    /// The links to the files that are there, relative to the page.
    csv: Option<String>,
    report: Option<String>,
}

/// Writes the page of the last run's list.
///
/// # Errors
/// When it cannot be written.
pub fn write(state: &State) -> anyhow::Result<()> {
    let Some(last) = &state.last_run else { return Ok(()) };
    let page = render(last, state, |path| path.is_file()).context("the page of the days is not valid")?;
    local::write_atomic(&last.index, page.as_bytes())
}

fn render(last: &LastRun, state: &State, exists: impl Fn(&Path) -> bool) -> askama::Result<String> {
    let day = |(date, record)| day(date, record, &last.index, &exists);
    let index = Index {
        list: &last.list,
        failed: last.outcome == Ending::Failed,
        outcome: last.outcome.label(),
        message: last.message.as_deref(),
        last_run: minute(last.ended),
        simulated: state.days(&last.list).any(|(_, record)| record.outcome.is_simulated()),
        days: state.days(&last.list).rev().map(day).collect(),
    };
    index.render()
}

fn day<'a>(date: &TradeDate, record: &'a DayRecord, index: &Path, exists: impl Fn(&Path) -> bool) -> Day<'a> {
    let link = |name| {
        let file = record.folder.join(name);
        exists(&file).then(|| relative(index, &file)).flatten()
    };
    let failure = match &record.outcome {
        RecordedOutcome::Failed { error, cause } => Some((cause.as_str(), hints::hint(error))),
        _ => None,
    };
    Day {
        date: *date,
        weekday: date.date().strftime("%a").to_string(),
        record,
        state: record.outcome.describe(),
        failure,
        ran_at: match (record.ran_at, &record.outcome) {
            (Some(at), _) => format!("last run {}", minute(at)),
            (None, RecordedOutcome::NotRun) => String::new(),
            (None, _) => "was there already".to_owned(),
        },
        csv: link("hourly_extremes.csv"),
        report: link("report.html"),
    }
}

/// The address of a file as a link of the page; both paths are absolute.
fn relative(index: &Path, file: &Path) -> Option<String> {
    let (index, file) = (Url::from_file_path(index).ok()?, Url::from_file_path(file).ok()?);
    // The dot, since a first segment with a colon would be a scheme.
    index.make_relative(&file).map(|link| format!("./{link}"))
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::daily::tests::state;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn the_page_lists_the_days_newest_first() -> Outcome {
        let state = state()?;
        let last = state.last_run.as_ref().ok_or("no run")?;
        let page = render(last, &state, |path| !path.starts_with("/home/me/results/2026-11-19"))?;
        for script in ["<script", "http:", "https:", "src="] {
            assert!(!page.contains(script), "{script}");
        }
        insta::assert_snapshot!(page);
        Ok(())
    }

    #[test]
    fn links_are_relative_and_encoded() {
        for (index, file, link) in [
            ("/home/me/results/index.html", "/home/me/results/2026-11-20/report.html", "./2026-11-20/report.html"),
            ("/r/index.html", "/r/us 100%:20/a#b?.html", "./us%20100%25:20/a%23b%3F.html"),
            ("/data/new/index.html", "/data/old/2026-11-20/report.html", "./../old/2026-11-20/report.html"),
        ] {
            assert_eq!(relative(Path::new(index), Path::new(file)).as_deref(), Some(link));
        }
    }
}
