//! What a process has taken so far, by the kernel's own account.

use std::{fs, time::Duration};

use anyhow::Context;

/// What a process has taken since it began.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// The time of all processors together, its own and the kernel's for it, to ten milliseconds.
    pub cpu: Duration,
    /// The most memory that was resident at once, in bytes.
    pub peak_memory: u64,
}

impl Usage {
    /// The usage of a process that runs.
    ///
    /// # Errors
    /// When the system has no `/proc`, or not this process.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let read = |file: &str| {
            let path = format!("/proc/{pid}/{file}");
            fs::read_to_string(&path).with_context(|| format!("cannot read {path}: the benchmarks need Linux"))
        };
        let (stat, status) = (read("stat")?, read("status")?);
        Ok(Self {
            cpu: cpu(&stat).context("/proc/PID/stat has another form")?,
            peak_memory: peak_memory(&status).context("/proc/PID/status has no VmHWM")?,
        })
    }
}

/// The fields 14 and 15, in hundredths of a second. Those before the program's name in parentheses are two.
/// <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>
fn cpu(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks()? + ticks()?)))
}

fn peak_memory(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(1024 * line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?)
}
