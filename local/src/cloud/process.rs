//! Processes that outlive the command that started them, and that a later command can end.
//!
//! A process is identified by its id and its start time, since ids are reused. Each leads a process group of its own:
//! Ctrl-C in the terminal does not reach it, and its children can be ended with it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

/// How long a process may take to end after SIGTERM, before SIGKILL.
const GRACE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(10);

/// A process on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    pid: u32,
    /// When it started, as the operating system writes it; compared only for equality.
    started: String,
}

impl Process {
    fn of(child: &Child) -> anyhow::Result<Self> {
        let pid = child.id();
        let (_, started) = status(pid).with_context(|| format!("the system knows no process {pid}"))?;
        Ok(Self { pid, started })
    }

    /// Whether it is still running; a zombie, not yet reaped by its parent, is not.
    pub(super) fn is_alive(&self) -> bool {
        status(self.pid).is_some_and(|(state, started)| started == self.started && !matches!(state, 'Z' | 'X'))
    }

    fn signal_group(&self, signal: Signal) {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        // The group may have ended already; the caller checks whether it did.
        let _ = pid.map(|pid| kill_process_group(pid, signal));
    }
}

/// Ends the processes that are still running, with their children: SIGTERM first, SIGKILL after a grace period.
pub(super) fn stop(processes: &[Process]) -> anyhow::Result<()> {
    stop_within(GRACE, processes)
}

fn stop_within(grace: Duration, processes: &[Process]) -> anyhow::Result<()> {
    let live: Vec<_> = processes.iter().filter(|process| process.is_alive()).collect();
    for signal in [Signal::TERM, Signal::KILL] {
        // A group keeps its id while it has members: SIGKILL also reaches children that outlived their parent.
        live.iter().for_each(|process| process.signal_group(signal));
        let deadline = Instant::now() + grace;
        while live.iter().any(|process| process.is_alive()) && Instant::now() < deadline {
            std::thread::sleep(POLL);
        }
    }
    match live.iter().find(|process| process.is_alive()) {
        Some(process) => bail!("process {} cannot be ended", process.pid),
        None => Ok(()),
    }
}

/// A child process that is ended when this value is dropped or this program killed, unless it was detached.
#[derive(Debug)]
pub(super) struct Running {
    process: Process,
    watchdog: Option<Watchdog>,
}

impl Running {
    /// Starts a program whose output goes to a new log file. It is appended to, so that it can be truncated meanwhile.
    pub(super) fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let output = File::create(log).and_then(|_| OpenOptions::new().append(true).open(log));
        let output = output.with_context(|| format!("cannot write {}", log.display()))?;
        command.process_group(0).stdin(Stdio::null()).stderr(output.try_clone()?).stdout(output);
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().with_context(|| format!("cannot start {program}"))?;
        let mut running = Self { process: Process::of(&child)?, watchdog: None };
        running.watchdog = Some(Watchdog::over(std::slice::from_ref(&running.process))?);
        Ok(running)
    }

    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    /// Lets it keep running after this program has ended.
    pub(super) fn detach(mut self) {
        if let Some(mut watchdog) = self.watchdog.take() {
            watchdog.release();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut watchdog) = self.watchdog.take() {
            // `drop` cannot return an error. The watchdog is released last, in case this program is killed meanwhile.
            let _ = stop(std::slice::from_ref(&self.process));
            watchdog.release();
        }
    }
}

/// Ends processes when this program ends, in whatever way, without having released it.
///
/// It is a shell that reads from a pipe. The write end is held by this program and closed by the system when it ends.
#[derive(Debug)]
pub(super) struct Watchdog(Child);

impl Watchdog {
    pub(super) fn over(processes: &[Process]) -> anyhow::Result<Self> {
        let groups = processes.iter().map(|process| format!("-{}", process.pid));
        let shell = Command::new("/bin/sh")
            .args(["-c", r#"read -r released || kill -s TERM -- "$@""#, "watchdog"])
            .args(groups)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        shell.map(Self).context("cannot start /bin/sh")
    }

    /// Ends the watchdog; the processes keep running.
    pub(super) fn release(&mut self) {
        // If the shell has ended, it cannot signal anything either.
        let _ = self.0.stdin.take().map(|mut pipe| pipe.write_all(b"released\n"));
        let _ = self.0.wait();
    }
}

/// The state of a process as the letter of `ps`, and its start time; none if there is no such process.
fn status(pid: u32) -> Option<(char, String)> {
    if cfg!(target_os = "linux") { status_in_proc(pid) } else { status_by_ps(pid) }
}

/// See `man 5 proc_pid_stat`: the fields after the name in parentheses begin with the state; field 22 is the start.
fn status_in_proc(pid: u32) -> Option<(char, String)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.to_owned()))
}

fn status_by_ps(pid: u32) -> Option<(char, String)> {
    let ps =
        Command::new("ps").args(["-o", "stat=,lstart=", "-p", &pid.to_string()]).env("LC_ALL", "C").output().ok()?;
    let line = String::from_utf8(ps.stdout).ok()?;
    let (state, started) = line.trim().split_once(char::is_whitespace)?;
    Some((state.chars().next()?, started.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    /// Starts a script and waits for the first line it prints.
    fn start(script: &str, folder: &Path) -> anyhow::Result<(Running, String)> {
        let log = folder.join("log");
        let running = Running::start(&mut shell(script), &log)?;
        loop {
            let text = std::fs::read_to_string(&log)?;
            if let Some((line, _)) = text.split_once('\n') {
                return Ok((running, line.to_owned()));
            }
            std::thread::sleep(POLL);
        }
    }

    fn ends(process: &Process) -> bool {
        let deadline = Instant::now() + GRACE;
        while process.is_alive() && Instant::now() < deadline {
            std::thread::sleep(POLL);
        }
        !process.is_alive()
    }

    fn known(pid: &str) -> anyhow::Result<Process> {
        let pid = pid.parse()?;
        Ok(Process { pid, started: status(pid).context("not running")?.1 })
    }

    #[test]
    fn stopping_ends_a_process_and_its_children() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let (running, child) = start("sleep 300 & echo $!; wait", folder.path())?;
        let child = known(&child)?;
        assert!(running.process().is_alive() && child.is_alive());
        stop(std::slice::from_ref(running.process()))?;
        assert!(!running.process().is_alive());
        assert!(ends(&child));
        Ok(())
    }

    #[test]
    fn a_process_that_ignores_sigterm_is_killed() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let (running, _) = start("trap '' TERM; echo up; while :; do sleep 0.05; done", folder.path())?;
        stop_within(Duration::from_millis(200), std::slice::from_ref(running.process()))?;
        assert!(!running.process().is_alive());
        Ok(())
    }

    #[test]
    fn another_process_with_the_same_id_is_left_alone() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let (running, _) = start("echo up; sleep 300", folder.path())?;
        let former = Process { started: "1".to_owned(), ..running.process().clone() };
        assert!(!former.is_alive());
        stop(&[former])?;
        assert!(running.process().is_alive());
        Ok(())
    }

    #[test]
    fn a_process_ends_when_its_value_is_dropped_unless_detached() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let (running, _) = start("echo up; sleep 300", folder.path())?;
        let process = running.process().clone();
        drop(running);
        assert!(!process.is_alive());
        let (running, _) = start("echo up; sleep 300", folder.path())?;
        let process = running.process().clone();
        running.detach();
        assert!(process.is_alive());
        stop(&[process])
    }

    #[test]
    fn a_watchdog_ends_its_processes_unless_released() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let (running, _) = start("echo up; sleep 300", folder.path())?;
        let process = running.process().clone();
        running.detach();
        let mut watchdog = Watchdog::over(std::slice::from_ref(&process))?;
        watchdog.release();
        assert!(process.is_alive());
        // Dropping closes the pipe, just as the system does when the program is killed.
        drop(Watchdog::over(std::slice::from_ref(&process))?);
        assert!(ends(&process));
        Ok(())
    }

    #[test]
    fn proc_and_ps_report_the_state_of_a_process() -> anyhow::Result<()> {
        let me = std::process::id();
        assert!(status(me).is_some_and(|(state, _)| "RSD".contains(state)));
        assert_eq!(status(me).map(|found| found.1), status(me).map(|found| found.1));
        assert_eq!(status(u32::MAX), None);
        if Command::new("ps").arg("-V").output().is_ok() {
            assert!(status_by_ps(me).is_some_and(|(state, started)| "RSD".contains(state) && started.len() > 8));
            assert_eq!(status_by_ps(0x3fff_ffff), None);
        }
        Ok(())
    }
}
