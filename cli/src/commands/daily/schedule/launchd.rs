//! The agent of launchd, on macOS: `man 5 launchd.plist`.
//!
//! launchd knows only the local time, and no time zones, so it starts `daily` once an hour, at the minute of the schedule, and when
//! the user logs in. `--when-due` ends it at once unless the schedule was due since the last run.

use std::path::PathBuf;

use jiff::civil::Time;

use super::{Job, Schedule, control, user_home};

pub const LABEL: &str = "finstream.daily";

const DUE: &str = "--when-due";

pub fn files(job: &Job) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let log = user_home()?.join("Library/Logs/finstream-daily.log");
    Ok(vec![(path()?, plist(job, &log.to_string_lossy()))])
}

pub fn path() -> anyhow::Result<PathBuf> {
    Ok(user_home()?.join("Library/LaunchAgents").join(format!("{LABEL}.plist")))
}

pub fn plist(job: &Job, log: &str) -> String {
    let due = [DUE.to_owned(), job.schedule.time_of_day()];
    let words = [&job.program].into_iter().chain(&job.args).chain(&due);
    let words: String = words.map(|word| format!("    {}\n", string(word))).collect();
    let variable = |(name, value): &(&str, String)| format!("    <key>{name}</key>{}\n", string(value));
    let variables: String = job.environment.iter().map(variable).collect();
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>{LABEL}</string>
  <key>ProgramArguments</key>
  <array>
{words}  </array>
  <key>WorkingDirectory</key>{}
  <key>EnvironmentVariables</key>
  <dict>
{variables}  </dict>
  <key>RunAtLoad</key><true/>
  <key>StartCalendarInterval</key>
  <dict>
    <key>Minute</key><integer>{}</integer>
  </dict>
  <key>StandardOutPath</key>{log}
  <key>StandardErrorPath</key>{log}
</dict>
</plist>
"#,
        string(&job.working_directory),
        job.schedule.at.minute(),
        log = string(log),
    )
}

fn string(value: &str) -> String {
    format!("<string>{}</string>", value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

/// The schedule of an agent's file.
pub fn schedule(text: &str) -> Option<Schedule> {
    let (_, after) = text.rsplit_once(&string(DUE))?;
    let at = after.trim_start().strip_prefix("<string>")?.split_once('<')?.0;
    Some(Schedule { at: Time::strptime("%H:%M", at).ok()? })
}

/// The domain of the user's desktop session, in which agents run.
fn domain() -> String {
    format!("gui/{}", rustix::process::getuid().as_raw())
}

/// Has launchd read the file, in place of a former one.
pub async fn load() -> anyhow::Result<()> {
    let _ = unload().await; // there may be none
    let path = path()?;
    control("launchctl", &["bootstrap", &domain(), &path.to_string_lossy()]).await.map(drop)
}

pub async fn unload() -> anyhow::Result<()> {
    control("launchctl", &["bootout", &format!("{}/{LABEL}", domain())]).await.map(drop)
}

pub async fn is_loaded() -> Option<bool> {
    Some(control("launchctl", &["print", &format!("{}/{LABEL}", domain())]).await.is_ok())
}
