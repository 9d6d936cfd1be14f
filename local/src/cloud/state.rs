//! The files at a local cloud's home for later commands: `state.json` for finstream, `env` for other tools.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, bail};

use super::{LocalCloud, Process, process};
use crate::write_atomic;

const STATE: &str = "state.json";
const ENV: &str = "env";
const LOCK: &str = "lock";

/// The lock that is held while a local cloud is brought up at `home`, so that two commands do not do it at once.
pub(super) fn lock(home: &Path) -> anyhow::Result<File> {
    let path = home.join(LOCK);
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another command is bringing up the local cloud at {} right now; wait for it", home.display())
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// Whether [`lock`] is held at `home`.
pub(super) fn is_locked(home: &Path) -> bool {
    File::open(home.join(LOCK)).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Saves a local cloud. The state is written last and atomically: it exists only for a local cloud that is ready.
pub(super) fn save(cloud: &LocalCloud, function_environment: &BTreeMap<String, String>) -> anyhow::Result<()> {
    write_atomic(&cloud.home.join(ENV), env_file(cloud, function_environment).as_bytes())?;
    write_atomic(&cloud.home.join(STATE), &serde_json::to_vec_pretty(cloud)?)
}

pub(super) fn find(home: &Path) -> Option<LocalCloud> {
    let text = fs::read(home.join(STATE)).ok()?;
    let found = serde_json::from_slice::<LocalCloud>(&text).ok();
    let (live, processes) = match found {
        Some(cloud) if cloud.processes.iter().all(Process::is_alive) => (Some(cloud), Vec::new()),
        Some(cloud) => (None, cloud.processes),
        None => (None, Vec::new()),
    };
    if live.is_none() {
        // Without all of its processes it is useless, and the others would keep running unnoticed. `up` tries again on errors.
        let _ = process::stop(&processes).and_then(|()| remove(home));
    }
    live
}

pub(super) fn remove(home: &Path) -> anyhow::Result<()> {
    for name in [STATE, ENV] {
        let path = home.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The environment of a function that runs outside of the local cloud and uses it: `cargo lambda watch --env-file <home>/env`.
fn env_file(cloud: &LocalCloud, function_environment: &BTreeMap<String, String>) -> String {
    let access = cloud.environment().into_iter().map(|(name, value)| (name.to_owned(), value));
    let function_environment = function_environment.iter().map(|(name, value)| (name.clone(), value.clone()));
    access.chain(function_environment).map(|(name, value)| format!("{name}={}\n", quoted(&value))).collect()
}

/// A value quoted so that cargo-lambda and a shell read it alike: single quotes preserve all but a single quote.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,+@%".contains(c);
    match value {
        value if !value.is_empty() && value.chars().all(plain) => value.to_owned(),
        value if value.contains('\'') => format!("\"{}\"", value.replace('"', "\\\"")),
        value => format!("'{value}'"),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::process::Running;
    use super::*;
    use crate::cloud::Storage;

    fn sleeper(home: &Path) -> anyhow::Result<Running> {
        Running::start(Command::new("sleep").arg("300"), &home.join("log"))
    }

    fn cloud(home: &Path, processes: &[&Running]) -> LocalCloud {
        LocalCloud {
            home: home.to_owned(),
            endpoint: "http://127.0.0.1:4566".to_owned(),
            region: "us-east-1".to_owned(),
            access_key_id: "test".to_owned(),
            secret_access_key: "test".to_owned(),
            stack: "finstream".to_owned(),
            market_url: "http://127.0.0.1:80".to_owned(),
            wait_scale: 0.5,
            storage: Storage::Persistent,
            parameters: BTreeMap::from([("ScheduleState".to_owned(), "ENABLED".to_owned())]),
            outputs: BTreeMap::from([("ApiId".to_owned(), "a1".to_owned())]),
            processes: processes.iter().map(|running| running.process().clone()).collect(),
        }
    }

    #[test]
    fn a_running_local_cloud_is_found_and_one_taken_down_is_not() -> anyhow::Result<()> {
        let home = tempfile::tempdir()?;
        let (one, two) = (sleeper(home.path())?, sleeper(home.path())?);
        save(&cloud(home.path(), &[&one, &two]), &BTreeMap::new())?;
        let found = find(home.path()).context("not found")?;
        assert_eq!(serde_json::to_value(&found)?, serde_json::to_value(cloud(home.path(), &[&one, &two]))?);
        found.down()?;
        assert!(!one.process().is_alive() && !two.process().is_alive());
        assert!(!home.path().join(STATE).exists() && !home.path().join(ENV).exists());
        assert!(find(home.path()).is_none());
        Ok(())
    }

    #[test]
    fn a_local_cloud_that_lost_a_process_is_cleaned_up() -> anyhow::Result<()> {
        let home = tempfile::tempdir()?;
        let (dead, live) = (sleeper(home.path())?, sleeper(home.path())?);
        save(&cloud(home.path(), &[&dead, &live]), &BTreeMap::new())?;
        process::stop(std::slice::from_ref(dead.process()))?;
        assert!(find(home.path()).is_none());
        assert!(!live.process().is_alive());
        assert!(!home.path().join(STATE).exists());
        Ok(())
    }

    #[test]
    fn a_state_file_that_cannot_be_read_is_removed() -> anyhow::Result<()> {
        let home = tempfile::tempdir()?;
        fs::write(home.path().join(STATE), "{\"home\":")?;
        assert!(find(home.path()).is_none());
        assert!(!home.path().join(STATE).exists());
        Ok(())
    }

    #[test]
    fn a_home_is_locked_by_one_command_at_a_time() -> anyhow::Result<()> {
        let home = tempfile::tempdir()?;
        assert!(!is_locked(home.path()), "nothing was ever there");
        let held = lock(home.path())?;
        assert!(is_locked(home.path()));
        let error = lock(home.path()).map(drop).map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.starts_with("another command is bringing up")));
        drop(held);
        // What another test starts at this moment holds it, too, until it has become another program.
        let is_free = || {
            std::thread::sleep(Duration::from_millis(10));
            !is_locked(home.path())
        };
        assert!((0..500).any(|_| is_free()));
        lock(home.path()).map(drop)
    }

    #[test]
    fn a_guard_takes_its_local_cloud_down() -> anyhow::Result<()> {
        let home = tempfile::tempdir()?;
        let one = sleeper(home.path())?;
        let guard = cloud(home.path(), &[&one]).guard()?;
        assert_eq!(guard.output("ApiId")?, "a1");
        assert!(guard.output("Nope").is_err_and(|error| error.to_string().ends_with("it has ApiId")));
        drop(guard);
        assert!(!one.process().is_alive());
        Ok(())
    }

    #[test]
    fn the_environment_file_is_read_by_a_shell() -> anyhow::Result<()> {
        let values =
            ["plain", "http://127.0.0.1:80/a?b=c&d", "two words", "", "say \"hi\" #1", "it's", "$HOME `x`", "a\\b"];
        let environment = values.iter().enumerate().map(|(i, value)| (format!("V{i}"), (*value).to_owned())).collect();
        let file = env_file(&cloud(Path::new("/"), &[]), &environment);
        let script = format!(
            "{file}printf '%s\n' \"$AWS_ENDPOINT_URL\" {}",
            (0..values.len()).map(|i| format!("\"$V{i}\" ")).collect::<String>()
        );
        let output = Command::new("sh").args(["-c", &script]).output()?;
        let read = String::from_utf8(output.stdout)?;
        assert_eq!(read.lines().collect::<Vec<_>>(), [&["http://127.0.0.1:4566"], values.as_slice()].concat());
        Ok(())
    }
}
