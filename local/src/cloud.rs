//! The local cloud as the command line and the tests see it: bring it up, find the one that is up, take it down.
//!
//! Its address and what is deployed on it is a plain value, saved in `<home>/state.json`, so that a later command can
//! use what an earlier one started. The steps are in the modules below; nothing here connects to AWS.

mod build;
mod data;
mod deploy;
mod process;
mod secret;
mod server;
mod state;
mod up;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::Progress;
use process::{Process, Watchdog};
pub use secret::AlpacaKey;

/// The usual [`UpOptions::wait_scale`]: on the local cloud nothing takes minutes, so the state machine's waits are short.
pub const DEFAULT_WAIT_SCALE: f64 = 0.02;

/// The parameter of the template that decides whether schedules start runs; on a local cloud `DISABLED` unless it is
/// among the [`UpOptions::parameters`].
pub const SCHEDULE_STATE: &str = "ScheduleState";

/// The parameter of the template that decides whose bars a run collects; `yahoo` unless it is among the
/// [`UpOptions::parameters`].
pub const SOURCE: &str = "Source";

/// The parameter of the template that decides whether the open session is collected, too; `DISABLED` unless it is among the
/// [`UpOptions::parameters`].
pub const LIVE: &str = "Live";

/// A running local cloud: its addresses, credentials and stack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LocalCloud {
    /// Its folder: state, logs, the packaged template and temporary files.
    pub home: PathBuf,
    /// `http://127.0.0.1:PORT`: an IP address, for which an S3 client uses path-style addressing.
    pub endpoint: String,
    /// The AWS region that it emulates.
    pub region: String,
    /// The access key of the local account's root.
    pub access_key_id: String,
    /// The secret access key of `access_key_id`.
    pub secret_access_key: String,
    /// The name of the stack deployed on it.
    pub stack: String,
    /// The base URL of the market from which the functions fetch bars.
    pub market_url: String,
    /// The factor by which the waits of the state machine are scaled: 1 is as on AWS, 0 is no wait.
    pub wait_scale: f64,
    /// What becomes of its data when it is taken down.
    #[serde(default)]
    pub storage: Storage,
    /// The template's parameters that it was deployed with, other than their defaults.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// The outputs of the stack by name; `CollectUrl` is the URL on the local cloud.
    pub outputs: BTreeMap<String, String>,
    processes: Vec<Process>,
}

/// What to bring up.
#[derive(Debug, Clone)]
pub struct UpOptions {
    /// The workspace root: the folder with `template.yaml`.
    pub root: PathBuf,
    /// The folder for state, logs and data; several local clouds may run at once in different ones.
    pub home: PathBuf,
    /// The market from which the functions fetch bars.
    pub market: Market,
    /// The key of Alpaca that `collect` finds in its secret; without one there is no secret, or the one of an earlier time.
    pub alpaca_key: Option<AlpacaKey>,
    /// The factor by which the waits of the state machine are scaled: 1 is as on AWS, 0 is no wait.
    pub wait_scale: f64,
    /// Further parameters of the template; they override those that the local cloud sets.
    pub parameters: BTreeMap<String, String>,
    /// What becomes of the data when the local cloud is taken down.
    pub storage: Storage,
}

/// What becomes of a local cloud's data when its processes end, whether they are ended or killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    /// The next local cloud at the same home starts from nothing.
    #[default]
    Ephemeral,
    /// It is kept in `<home>/data`, and the next local cloud at the same home resumes with it, on the same ports.
    Persistent,
}

/// The market from which the functions fetch bars.
#[derive(Debug, Clone)]
pub enum Market {
    /// The base URL of a running market, without a slash at the end.
    Url(String),
    /// A program that serves a simulated market as long as the local cloud is up. It is given `--port=PORT`, where 0 is
    /// any free port, as its last argument, and the first line of its standard output is
    /// `listening on http://127.0.0.1:PORT`.
    Command {
        /// The program, usually `std::env::current_exe()`.
        program: PathBuf,
        /// Its arguments.
        args: Vec<String>,
    },
}

impl LocalCloud {
    /// Creates the Python environment, builds the functions, starts the market and the server and deploys the template.
    ///
    /// What it started keeps running after this process ends. On an error, or when the future is dropped or this process
    /// killed before it is finished, all of it is stopped.
    ///
    /// # Errors
    /// When a local cloud is up at that home already, when the data there is of another version, and when a step fails:
    /// the error names the step, and quotes the last lines of its output or names its log.
    pub async fn up(options: UpOptions, progress: &dyn Progress) -> anyhow::Result<Self> {
        up::up(options, progress).await
    }

    /// The local cloud that runs at `home`. If one crashed there, its remaining processes are ended and its state removed.
    pub fn find(home: &Path) -> Option<Self> {
        state::find(home)
    }

    /// Whether a command is bringing up the local cloud at `home` right now, so that it cannot be found yet.
    pub fn is_coming_up(home: &Path) -> bool {
        state::is_locked(home)
    }

    /// Ends the processes that `up` started, and their children, and removes the state file. The logs stay, and so does
    /// persistent data.
    ///
    /// # Errors
    /// When a process cannot be ended, or the state file not removed.
    pub fn down(self) -> anyhow::Result<()> {
        process::stop(&self.processes)?;
        state::remove(&self.home)
    }

    /// The folder of the persistent data at `home`; none if there is no such data.
    pub fn data_folder(home: &Path) -> Option<PathBuf> {
        Some(data::folder(home)).filter(|folder| folder.exists())
    }

    /// Deletes the persistent data at `home`, so that the next local cloud there starts from nothing.
    ///
    /// # Errors
    /// When a local cloud is up there or is being brought up, and when a file cannot be deleted.
    pub fn delete_data(home: &Path) -> anyhow::Result<()> {
        let Some(folder) = Self::data_folder(home) else { return Ok(()) };
        let _lock = state::lock(home)?;
        if let Some(running) = state::find(home) {
            bail!("a local cloud uses {}: end the one on {} first", folder.display(), running.endpoint);
        }
        data::delete(home)
    }

    /// Whether its schedules start runs.
    pub fn schedules_fire(&self) -> bool {
        self.is_enabled(SCHEDULE_STATE)
    }

    /// Whether the open session is collected, too.
    pub fn is_live(&self) -> bool {
        self.is_enabled(LIVE)
    }

    /// The source whose bars a run collects unless its request names another.
    pub fn source(&self) -> &str {
        self.parameters.get(SOURCE).map_or("yahoo", String::as_str)
    }

    fn is_enabled(&self, parameter: &str) -> bool {
        self.parameters.get(parameter).is_some_and(|state| state == "ENABLED")
    }

    /// The value of an output of the stack.
    ///
    /// # Errors
    /// When the template has no output of that name.
    pub fn output(&self, name: &str) -> anyhow::Result<&str> {
        self.outputs.get(name).map(String::as_str).with_context(|| {
            let known: Vec<_> = self.outputs.keys().map(String::as_str).collect();
            format!("template.yaml has no output {name}; it has {}", known.join(", "))
        })
    }

    /// The environment variables with which an AWS SDK or the AWS CLI uses the local cloud as its account's root.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
            ("AWS_REGION", self.region.clone()),
            ("AWS_DEFAULT_REGION", self.region.clone()),
            ("AWS_ACCESS_KEY_ID", self.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.secret_access_key.clone()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    /// A guard that takes the local cloud down when it is dropped, and also when this process is killed.
    ///
    /// # Errors
    /// When the watchdog process cannot be started.
    pub fn guard(self) -> anyhow::Result<Guard> {
        let watchdog = Watchdog::over(&self.processes)?;
        Ok(Guard { cloud: self, watchdog })
    }
}

/// A local cloud that is taken down when this value is dropped.
#[derive(Debug)]
pub struct Guard {
    cloud: LocalCloud,
    watchdog: Watchdog,
}

impl std::ops::Deref for Guard {
    type Target = LocalCloud;

    fn deref(&self) -> &LocalCloud {
        &self.cloud
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Err(error) = self.cloud.clone().down() {
            let home = self.cloud.home.display();
            // Unlike eprintln!, this does not panic when standard error is closed, and the watchdog is still released.
            let _ = writeln!(std::io::stderr(), "the local cloud at {home} could not be taken down: {error:#}");
        }
        self.watchdog.release();
    }
}
