//! The processes in which a local cloud runs the functions.

use std::{fs, path::Path};

use local::LocalCloud;
use rustix::process::{Pid, Signal, kill_process};

/// Kills every process of a function of `cloud`, and says how many there were.
///
/// # Errors
/// When the system's processes cannot be listed, or one of them not be killed.
pub fn kill_function(cloud: &LocalCloud, function: &str) -> anyhow::Result<usize> {
    let of_function = format!("AWS_LAMBDA_FUNCTION_NAME={function}");
    let of_cloud = format!("AWS_ENDPOINT_URL={}", cloud.endpoint);
    let mut killed = 0;
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        if let Some(pid) = pid(&path)
            && has(&path, &[&of_function, &of_cloud])
        {
            kill_process(pid, Signal::KILL)?;
            killed += 1;
        }
    }
    Ok(killed)
}

fn pid(path: &Path) -> Option<Pid> {
    Pid::from_raw(path.file_name()?.to_str()?.parse().ok()?)
}

/// Whether the process was started with all of these variables; one that has ended meanwhile was not.
fn has(path: &Path, variables: &[&str]) -> bool {
    let environment = fs::read(path.join("environ")).unwrap_or_default();
    let environment: Vec<_> = environment.split(|byte| *byte == 0).collect();
    variables.iter().all(|variable| environment.contains(&variable.as_bytes()))
}
