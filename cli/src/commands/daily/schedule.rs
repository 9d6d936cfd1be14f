//! Who starts `daily` every day: a user timer of systemd, or an agent of launchd on macOS.

mod launchd;
mod systemd;

use std::{
    env, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Time, Weekday, time},
};
use serde::Serialize;
use shared::trading_calendar::NEW_YORK;
use tokio::process::Command;

use crate::{args::DailyArgs, commands::local::base_url};

/// 90 minutes after New York's close, as the template's `ScheduleExpression`.
const DEFAULT_TIME: Time = time(17, 30, 0, 0);

/// New York's close. What is started earlier is for the session of the day before.
const CLOSE: Time = time(16, 0, 0, 0);

/// A time of day in New York, on the days after whose session, or the morning after, it comes: a holiday counts as a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    pub at: Time,
}

impl Schedule {
    fn is_after_close(self) -> bool {
        self.at >= CLOSE
    }

    fn is_due_on(self, date: Date) -> bool {
        let without = if self.is_after_close() { Weekday::Saturday } else { Weekday::Monday };
        !matches!(date.weekday(), Weekday::Sunday) && date.weekday() != without
    }

    /// The newest time at which it was due, until `now`.
    pub fn previous(self, now: Timestamp) -> Timestamp {
        let dates = NEW_YORK.date_of(now).series(-1.day());
        self.due(dates).find(|at| *at <= now).unwrap_or(Timestamp::MIN)
    }

    /// The next time at which it is due, after `now`.
    pub fn next(self, now: Timestamp) -> Timestamp {
        let dates = NEW_YORK.date_of(now).series(1.day());
        self.due(dates).find(|at| *at > now).unwrap_or(Timestamp::MAX)
    }

    fn due(self, dates: impl Iterator<Item = Date>) -> impl Iterator<Item = Timestamp> {
        let instant = move |date: Date| date.to_datetime(self.at).to_zoned(NEW_YORK.zone.clone()).ok();
        dates.filter(move |date| self.is_due_on(*date)).filter_map(instant).map(|zoned| zoned.timestamp())
    }

    /// `Monday to Friday at 17:30 in New York`.
    pub fn describe(self) -> String {
        let days = if self.is_after_close() { "Monday to Friday" } else { "Tuesday to Saturday" };
        format!("{days} at {} in New York", self.time_of_day())
    }

    /// `17:30`.
    pub fn time_of_day(self) -> String {
        self.at.strftime("%H:%M").to_string()
    }
}

/// What starts `daily`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheduler {
    Systemd,
    Launchd,
}

/// A program that is to be started by a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    schedule: Schedule,
    /// The absolute path of this program.
    program: String,
    args: Vec<String>,
    working_directory: String,
    environment: Vec<(&'static str, String)>,
}

/// A job that is installed.
#[derive(Debug)]
pub struct Installed {
    pub files: Vec<PathBuf>,
    pub schedule: Schedule,
    /// Whether the scheduler says that it will start it; none where it does not answer.
    pub active: Option<bool>,
    /// When it is started next.
    pub next: Timestamp,
}

/// What building the functions, and Python, are found by. The schedulers start programs with little else.
const VARIABLES: [&str; 5] = ["PATH", "CARGO_HOME", "RUSTUP_HOME", "PYTHON", crate::workspace::HOME_VARIABLE];

impl Job {
    /// The job that runs `daily` with the options of `args`, independent of the current folder. Its working directory is the
    /// source tree `root`, whose template it deploys.
    ///
    /// # Errors
    /// When a path is not text, or a value holds characters that no unit file may have.
    pub fn of(args: &DailyArgs, root: &Path) -> anyhow::Result<Self> {
        let program = env::current_exe().context("could not determine the path of this program")?;
        let out = super::folder(args).absolute()?;
        let options = [
            ("--list", args.list.to_string()),
            ("--sessions", args.sessions.to_string()),
            ("--out", out.to_string()),
            ("--market-url", base_url(&args.market_url)),
        ];
        let on_failure = args.on_failure.clone().map(|command| ("--on-failure", command));
        let options = options.into_iter().chain(on_failure).flat_map(|(name, value)| [name.to_owned(), value]);
        let variable = |name| Some((name, env::var(name).ok().filter(|value| !value.is_empty())?));
        let absolute = |(name, value)| match name {
            crate::workspace::HOME_VARIABLE => Ok((name, text(&std::path::absolute(value)?)?)),
            _ => Ok((name, value)),
        };
        let job = Self {
            schedule: Schedule { at: args.at.unwrap_or(DEFAULT_TIME) },
            program: text(&program)?,
            args: std::iter::once("daily".to_owned()).chain(options).collect(),
            working_directory: text(root)?,
            environment: VARIABLES.into_iter().filter_map(variable).map(absolute).collect::<anyhow::Result<_>>()?,
        };
        job.check()?;
        Ok(job)
    }

    fn check(&self) -> anyhow::Result<()> {
        let variables = self.environment.iter().map(|(_, value)| value);
        let values = [&self.program, &self.working_directory].into_iter().chain(&self.args).chain(variables);
        for value in values {
            let bad = value.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
            ensure!(bad.is_none(), "{value:?} holds a control character, which no schedule can have: leave it out");
        }
        Ok(())
    }

    /// Whether `cargo clean` deletes the program.
    pub fn is_in_target(&self, root: &Path) -> bool {
        Path::new(&self.program).starts_with(root.join("target"))
    }
}

fn text(path: &Path) -> anyhow::Result<String> {
    path.to_str().map(str::to_owned).with_context(|| format!("the path {} is not text in UTF-8", path.display()))
}

impl Scheduler {
    /// That of this machine.
    pub fn of_this_machine() -> Self {
        if cfg!(target_os = "macos") { Self::Launchd } else { Self::Systemd }
    }

    /// `the systemd user timer finstream-daily.timer`.
    pub fn describe(self) -> String {
        match self {
            Self::Systemd => format!("the systemd user timer {}", systemd::TIMER),
            Self::Launchd => format!("the launchd agent {}", launchd::LABEL),
        }
    }

    /// Installs a job in place of the one that may be there, and says what else the user may have to do.
    ///
    /// # Errors
    /// When the scheduler does not answer or refuses it, or a file cannot be written; what was there before is there again.
    pub async fn install(self, job: &Job) -> anyhow::Result<Option<&'static str>> {
        let written = match self {
            Self::Systemd => {
                systemd::check_that_it_answers(job).await?;
                Written::all(systemd::files(job)?)?
            }
            Self::Launchd => Written::all(launchd::files(job)?)?,
        };
        let enabled = match self {
            Self::Systemd => systemd::enable().await,
            Self::Launchd => launchd::load().await,
        };
        if let Err(error) = enabled {
            written.undo()?;
            if self == Self::Systemd {
                // It has read the files that are gone again, and says nothing new when it fails once more.
                let _ = systemd::reload().await;
            }
            return Err(error.context("nothing was installed"));
        }
        Ok(match self {
            Self::Systemd => systemd::advice().await,
            Self::Launchd => None,
        })
    }

    /// Removes the job, and returns its files; none where nothing is installed.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub async fn uninstall(self) -> anyhow::Result<Vec<PathBuf>> {
        let paths = self.paths()?;
        if !paths.iter().any(|path| path.exists()) {
            return Ok(Vec::new());
        }
        // A scheduler that does not answer starts nothing, and finds no file when it is there again.
        match self {
            Self::Systemd => drop(systemd::disable().await),
            Self::Launchd => drop(launchd::unload().await),
        }
        let mut removed = Vec::new();
        for path in paths {
            match fs::remove_file(&path) {
                Ok(()) => removed.push(path),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error).with_context(|| format!("cannot remove {}", path.display())),
            }
        }
        if self == Self::Systemd {
            let _ = systemd::reload().await; // as above
        }
        Ok(removed)
    }

    /// The job that is installed, as its files say; `None` where they are not there.
    ///
    /// # Errors
    /// When the user's folder is not known.
    pub async fn installed(self, now: Timestamp) -> anyhow::Result<Option<Installed>> {
        let files: Vec<_> = self.paths()?.into_iter().filter(|path| path.exists()).collect();
        let read = |path: &PathBuf| fs::read_to_string(path).ok();
        let schedule = files.iter().filter_map(read).find_map(|text| match self {
            Self::Systemd => systemd::schedule(&text),
            Self::Launchd => launchd::schedule(&text),
        });
        let Some(schedule) = schedule else { return Ok(None) };
        let (active, next) = match self {
            Self::Systemd => systemd::state().await,
            Self::Launchd => (launchd::is_loaded().await, None),
        };
        Ok(Some(Installed { files, schedule, active, next: next.unwrap_or_else(|| schedule.next(now)) }))
    }

    /// The files that a job may have.
    fn paths(self) -> anyhow::Result<Vec<PathBuf>> {
        match self {
            Self::Systemd => systemd::paths(),
            Self::Launchd => Ok(vec![launchd::path()?]),
        }
    }
}

/// Files that were written, and what was there before.
struct Written(Vec<(PathBuf, Option<Vec<u8>>)>);

impl Written {
    /// Writes every file at once, or none.
    fn all(files: Vec<(PathBuf, String)>) -> anyhow::Result<Self> {
        let mut written = Self(Vec::new());
        for (path, content) in files {
            let before = fs::read(&path).ok();
            if let Err(error) = local::write_atomic(&path, content.as_bytes()) {
                written.undo()?;
                return Err(error.context("nothing was installed"));
            }
            written.0.push((path, before));
        }
        Ok(written)
    }

    fn undo(self) -> anyhow::Result<()> {
        for (path, before) in self.0 {
            match before {
                Some(content) => local::write_atomic(&path, &content)?,
                None => fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?,
            }
        }
        Ok(())
    }
}

/// The home folder of the user.
fn user_home() -> anyhow::Result<PathBuf> {
    env::home_dir().filter(|home| home.is_absolute()).context("HOME does not name the user's folder")
}

/// Runs a scheduler's own program, and returns what it prints.
///
/// # Errors
/// When it is not there, or ends without success: with what it said.
async fn control(program: &str, args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(args).stdin(std::process::Stdio::null()).output();
    let output = output.await.with_context(|| format!("cannot run {program}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {}: {}", args.join(" "), said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests;
