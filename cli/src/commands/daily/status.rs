//! `daily --install`, `--uninstall` and `--status`.

use std::path::Path;

use jiff::Timestamp;
use shared::trading_calendar::NEW_YORK;

use super::{
    folder, is_running,
    json::StatusJson,
    schedule::{Installed, Job, Scheduler},
    state::State,
};
use crate::{
    args::DailyArgs,
    exit::Exit,
    output::{console::Console, format::format_duration},
    wait_scale::wait_scale,
};

pub async fn install(args: &DailyArgs, root: &Path, home: &Path, console: &Console) -> anyhow::Result<Exit> {
    folder(args).check(None)?;
    wait_scale(Some(&args.market_url), None)?;
    let job = Job::of(args, root)?;
    let scheduler = Scheduler::of_this_machine();
    let advice = scheduler.install(&job).await?;
    let progress = console.progress();
    answer(Some(home), console, |status| {
        let files = status.installed.iter().flat_map(|installed| &installed.files);
        let files: String = files.map(|file| format!("wrote       {}\n", file.display())).collect();
        format!("{files}{}", status.schedule())
    })
    .await?;
    if let Some(advice) = advice {
        progress.report(advice);
    }
    if job.is_in_target(root) {
        progress.report(
            "it starts the program in target, which `cargo clean` deletes; for one that stays: cargo install --locked --path cli, \
             then finstream daily --install",
        );
    }
    Ok(Exit::Done)
}

pub async fn uninstall(home: Option<&Path>, console: &Console) -> anyhow::Result<Exit> {
    let removed = Scheduler::of_this_machine().uninstall().await?;
    answer(home, console, |_| match removed.as_slice() {
        [] => "it was not installed".to_owned(),
        files => files.iter().map(|file| format!("removed {}", file.display())).collect::<Vec<_>>().join("\n"),
    })
    .await
}

pub async fn status(home: &Path, console: &Console) -> anyhow::Result<Exit> {
    answer(Some(home), console, |status| {
        let running = if is_running(home) { "running     right now\n" } else { "" };
        format!("{running}{}\n{}", status.last_run(), status.schedule())
    })
    .await
}

async fn answer(home: Option<&Path>, console: &Console, text: impl FnOnce(&Status) -> String) -> anyhow::Result<Exit> {
    let scheduler = Scheduler::of_this_machine();
    let state = home.map_or_else(|| Ok(State::default()), State::load)?;
    let status = Status { scheduler, installed: scheduler.installed(Timestamp::now()).await?, state };
    console.answer(&text(&status), &StatusJson::of(&status))?;
    Ok(Exit::Done)
}

/// The last run, and the next.
pub struct Status {
    pub scheduler: Scheduler,
    pub installed: Option<Installed>,
    pub state: State,
}

impl Status {
    /// The last run, with a line for each of its days and each failure.
    pub fn last_run(&self) -> String {
        let Some(last) = &self.state.last_run else { return "last run    none yet".to_owned() };
        let seconds = last.started.duration_until(last.ended).as_secs_f64();
        let ended = format!(
            "last run    {}, the list {}, {}: {}",
            moment(last.started),
            last.list,
            format_duration(seconds),
            last.outcome.label()
        );
        let days = self.state.days_of_last_run().map(|(date, record)| {
            let simulated = if record.outcome.is_simulated() { ", simulated prices" } else { "" };
            format!("            {date}  {}{simulated}", record.outcome.describe())
        });
        let message = last.message.iter().flat_map(|message| message.lines()).map(|line| format!("failed      {line}"));
        let index = format!("index       {}", last.index.display());
        std::iter::once(ended).chain(days).chain(message).chain([index]).collect::<Vec<_>>().join("\n")
    }

    /// What starts it, and when.
    pub fn schedule(&self) -> String {
        let Some(installed) = &self.installed else {
            return "installed   no: `cargo finstream daily --install` runs it after each close".to_owned();
        };
        let inactive = if installed.active == Some(false) {
            ", which is not active: `cargo finstream daily --install` starts it again"
        } else {
            ""
        };
        format!(
            "installed   {}, by {}{inactive}\nnext run    {}",
            installed.schedule.describe(),
            self.scheduler.describe(),
            moment(installed.next)
        )
    }
}

/// An instant on New York's clock.
fn moment(at: Timestamp) -> String {
    at.to_zoned(NEW_YORK.zone.clone()).strftime("%A, %Y-%m-%d at %H:%M %Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::daily::{schedule::Schedule, tests::state};

    fn installed(active: Option<bool>) -> Result<Installed, jiff::Error> {
        Ok(Installed {
            files: vec!["/home/me/.config/systemd/user/finstream-daily.timer".into()],
            schedule: Schedule { at: jiff::civil::time(17, 30, 0, 0) },
            active,
            next: "2026-11-23T22:30:00Z".parse()?,
        })
    }

    #[test]
    fn the_last_run_and_the_next_are_shown() -> Result<(), Box<dyn std::error::Error>> {
        let mut texts = Vec::new();
        for (state, installed) in [
            (State::default(), None),
            (state()?, Some(installed(Some(true))?)),
            (State::default(), Some(installed(Some(false))?)),
        ] {
            let status = Status { scheduler: Scheduler::Systemd, installed, state };
            texts.push(format!("{}\n{}", status.last_run(), status.schedule()));
        }
        insta::assert_snapshot!(texts.join("\n\n"));
        Ok(())
    }
}
