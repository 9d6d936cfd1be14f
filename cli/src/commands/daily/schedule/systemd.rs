//! The user service and timer of systemd: <https://www.freedesktop.org/software/systemd/man/latest/systemd.timer.html>.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use jiff::{Timestamp, civil::Time};

use super::{Job, Schedule, control, user_home};

const SERVICE: &str = "finstream-daily.service";
pub const TIMER: &str = "finstream-daily.timer";

/// What `systemctl --user enable` links to the timer.
const WANTED: &str = "timers.target.wants/finstream-daily.timer";

/// The files of a job.
///
/// # Errors
/// When systemd takes the path of the program or of the working directory in no form.
pub fn files(job: &Job) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let folder = folder()?;
    Ok(vec![(folder.join(SERVICE), service(job)?), (folder.join(TIMER), timer(job.schedule))])
}

/// The files of a job, and the link to its timer.
pub fn paths() -> anyhow::Result<Vec<PathBuf>> {
    let folder = folder()?;
    Ok([SERVICE, TIMER, WANTED].map(|name| folder.join(name)).into())
}

/// Where the user's own units are.
fn folder() -> anyhow::Result<PathBuf> {
    let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let config = config.map_or_else(|| Ok(user_home()?.join(".config")), anyhow::Ok)?;
    Ok(config.join("systemd/user"))
}

/// A oneshot may take as long as it likes. Only the command itself is asked to end: it takes the local cloud down.
pub fn service(job: &Job) -> anyhow::Result<String> {
    let folder = &job.working_directory;
    // It is neither quoted nor unescaped, and a backslash at its end would continue the line.
    ensure!(
        !folder.contains(['\n', '\t']) && !folder.ends_with([' ', '\\']),
        "the folder {folder:?} cannot be written in a unit of systemd: move the source tree to another"
    );
    ensure!(
        !job.program.contains(['"', '\'', '\\', '\n', '\t']),
        "systemd starts no program in a folder with quotes or backslashes, such as {}: install it in another folder",
        job.program
    );
    let variables =
        job.environment.iter().map(|(name, value)| format!("Environment={}\n", quoted(&format!("{name}={value}"))));
    let args = job.args.iter().map(|arg| format!(" {}", quoted(arg).replace('$', "$$")));
    Ok(format!(
        "[Unit]\n\
         Description=finstream daily: run the sessions that are missing\n\
         \n\
         [Service]\n\
         Type=oneshot\n\
         WorkingDirectory={}\n\
         {}\
         ExecStart={}{}\n\
         # Bars are missing, or nothing traded: no failure.\n\
         SuccessExitStatus=3 4\n\
         KillMode=mixed\n",
        folder.replace('%', "%%"),
        variables.collect::<String>(),
        quoted(&job.program), // its $ is not expanded
        args.collect::<String>(),
    ))
}

pub fn timer(schedule: Schedule) -> String {
    let days = if schedule.is_after_close() { "Mon..Fri" } else { "Tue..Sat" };
    format!(
        "[Unit]\n\
         Description=finstream daily, {}\n\
         \n\
         [Timer]\n\
         OnCalendar={days} *-*-* {}:00 America/New_York\n\
         # What fell due while the machine was off is made up for.\n\
         Persistent=true\n\
         RandomizedDelaySec=5min\n\
         \n\
         [Install]\n\
         WantedBy=timers.target\n",
        schedule.describe(),
        schedule.time_of_day(),
    )
}

/// The schedule of a timer's file.
pub fn schedule(text: &str) -> Option<Schedule> {
    let calendar = text.lines().find_map(|line| line.strip_prefix("OnCalendar="))?;
    let at = calendar.split_whitespace().nth(2)?;
    Some(Schedule { at: Time::strptime("%H:%M:%S", at).ok()? })
}

/// A value in double quotes: <https://www.freedesktop.org/software/systemd/man/latest/systemd.syntax.html#Quoting>. A percent
/// sign would begin a specifier. In `ExecStart` a dollar sign of an argument has to be doubled, too.
fn quoted(value: &str) -> String {
    let escaped = value.chars().fold(String::new(), |mut text, c| {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '%' => text.push_str("%%"),
            c => text.push(c),
        }
        text
    });
    format!("\"{escaped}\"")
}

async fn systemctl(args: &[&str]) -> anyhow::Result<String> {
    control("systemctl", &[&["--user"], args].concat()).await
}

/// # Errors
/// When no systemd of the user answers, such as in a container; the error says what else can start the job.
pub async fn check_that_it_answers(job: &Job) -> anyhow::Result<()> {
    let variables = job.environment.iter().map(|(name, value)| format!("{name}={}", shell_word(value)));
    let words = [&job.program].into_iter().chain(&job.args).map(|word| shell_word(word));
    let line = ["env".to_owned()].into_iter().chain(variables).chain(words).collect::<Vec<_>>().join(" ");
    reload().await.with_context(|| {
        format!(
            "nothing was installed, since no systemd answers for this user: where there is none, as in a container, let another \
             scheduler run this after each close of New York, {}, in {}:\n  {line}\nin a session without a login, as after su, \
             log in as the user instead",
            job.schedule.describe(),
            job.working_directory
        )
    })
}

/// A word as a shell reads it.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Has systemd read the files anew.
pub async fn reload() -> anyhow::Result<()> {
    systemctl(&["daemon-reload"]).await.map(drop)
}

pub async fn enable() -> anyhow::Result<()> {
    reload().await?;
    systemctl(&["enable", "--now", TIMER]).await?;
    // A timer that ran already keeps its former times until it is started anew.
    systemctl(&["restart", TIMER]).await.map(drop)
}

pub async fn disable() -> anyhow::Result<()> {
    systemctl(&["disable", "--now", TIMER]).await.map(drop)
}

/// What the user may have to do, too: without lingering, systemd runs the user's units only while the user is logged in.
pub async fn advice() -> Option<&'static str> {
    let user = std::env::var("USER").ok()?;
    let linger = control("loginctl", &["show-user", &user, "--property=Linger", "--value"]).await;
    (linger.ok()? == "no").then_some("it runs only while you are logged in; to run it always: loginctl enable-linger")
}

/// Whether the timer is active, and when it elapses next, where systemd answers.
pub async fn state() -> (Option<bool>, Option<Timestamp>) {
    let properties = "--property=ActiveState,NextElapseUSecRealtime";
    let shown = systemctl(&["show", TIMER, properties, "--timestamp=unix"]).await.unwrap_or_default();
    let property = |name: &str| shown.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let next = property("NextElapseUSecRealtime").and_then(|next| next.strip_prefix('@')?.parse().ok());
    let active = property("ActiveState").map(|state| state == "active");
    (active, next.and_then(|seconds| Timestamp::from_second(seconds).ok()))
}
