//! The processes in which a local cloud runs the functions.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::ensure;
use local::LocalCloud;
use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process},
};
use serde_json::Value;

use crate::poll;

/// Kills every process of a function of `cloud`, and returns the number of them.
///
/// # Errors
/// When the system's processes cannot be listed, or one of them cannot be killed.
pub fn kill_function(cloud: &LocalCloud, function: &str) -> anyhow::Result<usize> {
    let pids: Vec<_> = process_folders(cloud, function)?.iter().filter_map(|path| pid(path)).collect();
    for pid in &pids {
        kill_process(*pid, Signal::KILL)?;
    }
    Ok(pids.len())
}

/// Kills the server of `cloud` and every function that it runs, as a crash or a power failure would; the market stays.
///
/// # Errors
/// When the system's processes cannot be listed, or one of them cannot be killed.
pub async fn kill_server(cloud: &LocalCloud) -> anyhow::Result<()> {
    // The functions inherit the server's environment.
    let of_cloud = format!("AWS_ENDPOINT_URL={}", cloud.endpoint);
    let folders = folders_with(&[&of_cloud, "PYTHONUNBUFFERED=1"])?;
    ensure!(!folders.is_empty(), "no process serves {}", cloud.endpoint);
    for pid in folders.iter().filter_map(|path| pid(path)) {
        match kill_process(pid, Signal::KILL) {
            Err(Errno::SRCH) => {} // a function that ended with the server
            killed => killed?,
        }
    }
    poll("the processes are gone", Duration::from_millis(10), async || {
        Ok((!folders.iter().any(|folder| is_alive(folder))).then_some(()))
    })
    .await
}

/// Waits until the server of a persistent `cloud` has saved an execution, whose name or ARN this is, in the given state.
///
/// # Errors
/// When it has not within two minutes.
pub async fn execution_is_saved(cloud: &LocalCloud, execution: &str, status: &str) -> anyhow::Result<()> {
    let path = cloud.home.join("data/state/stepfunctions.json");
    poll("the execution is saved", Duration::from_millis(100), async || {
        let saved: Value = serde_json::from_slice(&fs::read(&path).unwrap_or(b"null".to_vec()))?;
        let executions = saved["payload"]["executions"]["data"].as_object().into_iter().flatten();
        let mut found = executions.filter(|(key, _)| key.contains(execution));
        Ok(found.any(|(_, saved)| saved["status"] == status).then_some(()))
    })
    .await
}

/// The peak resident memory of each process of a function of `cloud`, in KiB: `VmHWM` of
/// <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>.
///
/// # Errors
/// When the system's processes cannot be listed.
pub fn peak_memory(cloud: &LocalCloud, function: &str) -> anyhow::Result<Vec<u64>> {
    Ok(process_folders(cloud, function)?.iter().filter_map(|path| peak_kib(path)).collect())
}

/// The folders in `/proc` of the processes of a function.
fn process_folders(cloud: &LocalCloud, function: &str) -> anyhow::Result<Vec<PathBuf>> {
    let of_function = format!("AWS_LAMBDA_FUNCTION_NAME={function}");
    let of_cloud = format!("AWS_ENDPOINT_URL={}", cloud.endpoint);
    folders_with(&[&of_function, &of_cloud])
}

/// The folders in `/proc` of the processes that were started with all of these variables.
fn folders_with(variables: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
    let paths = fs::read_dir("/proc")?.map(|entry| Ok(entry?.path()));
    let paths = paths.collect::<std::io::Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| pid(path).is_some() && has_variables(path, variables)).collect())
}

fn peak_kib(path: &Path) -> Option<u64> {
    let status = fs::read_to_string(path.join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Whether the process is there and no zombie: `state` of
/// <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>.
fn is_alive(path: &Path) -> bool {
    let stat = fs::read_to_string(path.join("stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, fields)| !fields.starts_with(['Z', 'X']))
}

fn pid(path: &Path) -> Option<Pid> {
    Pid::from_raw(path.file_name()?.to_str()?.parse().ok()?)
}

/// Whether the process was started with all of these variables; `false` for one that has ended meanwhile.
fn has_variables(path: &Path, variables: &[&str]) -> bool {
    let environment = fs::read(path.join("environ")).unwrap_or_default();
    let environment: Vec<_> = environment.split(|byte| *byte == 0).collect();
    variables.iter().all(|variable| environment.contains(&variable.as_bytes()))
}
