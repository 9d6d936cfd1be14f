use std::process::{Command, Stdio};

use super::*;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A job whose every value holds what a unit file gives a meaning to.
fn job() -> Job {
    Job {
        schedule: Schedule { at: time(17, 30, 0, 0) },
        program: "/home/me/a b/$HOME 100%i/finstream".to_owned(),
        args: [
            "daily",
            "--out",
            r#"/data/$HOME/{date} 5% "x"\y"#,
            "--on-failure",
            "printf '%s\\n' \"$FINSTREAM_DAYS\" &&\n\techo <done>",
        ]
        .map(str::to_owned)
        .into(),
        working_directory: "/home/me/a b/100%i/$x".to_owned(),
        environment: vec![("PATH", "/usr/bin:/home/me/a b/$x/100%".to_owned())],
    }
}

#[test]
fn a_service_is_quoted_as_systemd_reads_it() -> Result {
    insta::assert_snapshot!(systemd::service(&job())?);
    for folder in ["/a\nb", "/a\\", "/a "] {
        let refused = systemd::service(&Job { working_directory: folder.to_owned(), ..job() });
        assert!(refused.is_err_and(|error| error.to_string().contains("move the source tree")), "{folder:?}");
    }
    let refused = systemd::service(&Job { program: "/it's/finstream".to_owned(), ..job() });
    assert!(refused.is_err_and(|error| error.to_string().contains("install it in another folder")));
    Ok(())
}

#[test]
fn a_timer_fires_after_the_close_or_the_morning_after() -> Result {
    insta::assert_snapshot!(systemd::timer(job().schedule));
    for (at, days) in [("07:00", "Tue..Sat"), ("15:59", "Tue..Sat"), ("16:00", "Mon..Fri"), ("23:59", "Mon..Fri")] {
        let schedule = Schedule { at: Time::strptime("%H:%M", at)? };
        let timer = systemd::timer(schedule);
        assert!(timer.contains(&format!("OnCalendar={days} *-*-* {at}:00 America/New_York\n")), "{timer}");
        assert_eq!(systemd::schedule(&timer), Some(schedule));
    }
    assert_eq!(systemd::schedule("OnCalendar=hourly"), None);
    Ok(())
}

/// Checked by systemd itself, on machines that have it.
#[test]
fn systemd_accepts_the_units() -> Result {
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("a b $HOME 100%i").join("finstream");
    fs::create_dir_all(program.parent().ok_or("no folder")?)?;
    fs::copy("/bin/sh", &program)?;
    let text = |path: &Path| path.to_str().map(str::to_owned).ok_or("not text");
    let working_directory = text(&folder.path().join("a b 100%i $x"))?;
    fs::create_dir(&working_directory)?;
    let job = Job { program: text(&program)?, working_directory, ..job() };
    let units = [("finstream-daily.service", systemd::service(&job)?), (systemd::TIMER, systemd::timer(job.schedule))];
    let mut verify = Command::new("systemd-analyze");
    verify.args(["--user", "verify"]).env("XDG_RUNTIME_DIR", folder.path());
    for (name, content) in units {
        fs::write(folder.path().join(name), content)?;
        verify.arg(folder.path().join(name));
    }
    match verify.stdin(Stdio::null()).output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && !said.contains("finstream"), "{said}");
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

#[test]
fn an_agent_is_started_every_hour_and_decides_itself_whether_it_is_due() -> Result {
    let plist = launchd::plist(&job(), "/Users/me/Library/Logs/a & b.log");
    insta::assert_snapshot!(plist);
    assert_eq!(launchd::schedule(&plist), Some(job().schedule));
    // Python, which the local cloud needs, reads such files.
    let read = "import plistlib, json, sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))";
    let python = Command::new("python3").args(["-c", read]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut python = match python {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        python => python?,
    };
    std::io::Write::write_all(&mut python.stdin.take().ok_or("no pipe")?, plist.as_bytes())?;
    let read: serde_json::Value = serde_json::from_slice(&python.wait_with_output()?.stdout)?;
    let words: Vec<String> = serde_json::from_value(read["ProgramArguments"].clone())?;
    assert_eq!((&words[0], &words[1..6]), (&job().program, &job().args[..]));
    assert_eq!(words[6..], ["--when-due", "17:30"]);
    assert_eq!(read["WorkingDirectory"], job().working_directory);
    assert_eq!(read["EnvironmentVariables"]["PATH"], job().environment[0].1);
    assert_eq!(read["StartCalendarInterval"]["Minute"], 30);
    Ok(())
}

#[test]
fn it_is_due_in_new_yorks_zone_over_both_changes_of_the_clock() -> Result {
    for (at, now, previous, next) in [
        // A Friday, before and at the time.
        ("17:30", "2026-11-20T22:29:59Z", "2026-11-19T22:30:00Z", "2026-11-20T22:30:00Z"),
        ("17:30", "2026-11-20T22:30:00Z", "2026-11-20T22:30:00Z", "2026-11-23T22:30:00Z"),
        ("07:00", "2026-11-20T22:30:00Z", "2026-11-20T12:00:00Z", "2026-11-21T12:00:00Z"),
        ("07:00", "2026-11-23T22:30:00Z", "2026-11-21T12:00:00Z", "2026-11-24T12:00:00Z"),
        ("17:30", "2026-03-08T12:00:00Z", "2026-03-06T22:30:00Z", "2026-03-09T21:30:00Z"),
        ("17:30", "2026-11-01T12:00:00Z", "2026-10-30T21:30:00Z", "2026-11-02T22:30:00Z"),
        ("02:30", "2026-03-08T12:00:00Z", "2026-03-07T07:30:00Z", "2026-03-10T06:30:00Z"),
    ] {
        let (schedule, now) = (Schedule { at: Time::strptime("%H:%M", at)? }, now.parse()?);
        assert_eq!(schedule.previous(now), previous.parse()?, "before {at} at {now}");
        assert_eq!(schedule.next(now), next.parse()?, "after {at} at {now}");
    }
    Ok(())
}

#[test]
fn files_that_were_written_are_undone() -> Result {
    let folder = tempfile::tempdir()?;
    let [old, new] = ["old", "new"].map(|name| folder.path().join(name));
    fs::write(&old, "before")?;
    Written::all(vec![(old.clone(), "after".to_owned()), (new.clone(), "after".to_owned())])?.undo()?;
    assert_eq!((fs::read_to_string(&old)?.as_str(), new.exists()), ("before", false));
    // The second cannot be written: the first is as it was.
    let refused = Written::all(vec![(old.clone(), "after".to_owned()), (old.join("below"), String::new())]);
    assert!(refused.is_err_and(|error| error.to_string() == "nothing was installed"));
    assert_eq!(fs::read_to_string(&old)?, "before");
    Ok(())
}

#[test]
fn a_control_character_is_refused() {
    let refused = Job { args: vec!["\u{1b}".to_owned()], ..job() }.check();
    assert!(job().check().is_ok());
    assert!(refused.is_err_and(|error| error.to_string().contains("control character")));
}
