//! `finstream local`: brings the local cloud up, takes it down, shows its addresses.

mod json;

use std::{
    env,
    io::{IsTerminal, Write, stdin},
    path::Path,
};

use anyhow::{Context, bail};
use local::{
    LocalCloud, UpOptions,
    cloud::{LIVE, Market, SCHEDULE_STATE, SOURCE, Storage},
};
use market_sim::FaultRule;
use url::Url;

use super::daily;
use crate::{
    alpaca_key::alpaca_key,
    args::{DownArgs, LocalCommand, UpArgs},
    exit::Exit,
    interrupt::interrupted,
    output::console::Console,
    wait_scale::wait_scale,
    workspace,
};
use json::LocalJson;

pub async fn local(command: LocalCommand, console: &Console) -> anyhow::Result<Exit> {
    match command {
        LocalCommand::Up(args) => up(*args, console).await,
        LocalCommand::Down(args) => down(&args, console),
        LocalCommand::Status => status(console),
    }
}

/// The address of a market as a local cloud takes it: without a slash at its end.
pub fn base_url(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// The command that serves the simulated market: this program's own `market`, with faults injected by `rules`.
///
/// # Errors
/// When the path of this program is not known.
pub fn simulated_market(rules: &[FaultRule]) -> anyhow::Result<Market> {
    let program = env::current_exe().context("could not determine the path of this program")?;
    let rules = rules.iter().map(|rule| format!("--fault={rule}"));
    let args = std::iter::once("market".to_owned()).chain(rules).collect();
    Ok(Market::Command { program, args })
}

async fn up(args: UpArgs, console: &Console) -> anyhow::Result<Exit> {
    let wait_scale = wait_scale(args.market_url.as_ref(), args.wait_scale)?;
    let root = workspace::root()?;
    let home = workspace::local_home()?;
    let progress = console.progress();
    let rules = &args.faults.rules;
    let market_url = args.market_url.as_ref().map(base_url);
    if let Some(cloud) = LocalCloud::find(&home) {
        return already_up(&cloud, &args, market_url.as_deref(), console);
    }
    let enabled =
        [(SCHEDULE_STATE, args.schedules), (LIVE, args.live)].into_iter().filter(|(_, is_enabled)| *is_enabled);
    let enabled = enabled.map(|(name, _)| (name.to_owned(), "ENABLED".to_owned()));
    let source = args.source.unwrap_or(shared::MarketSource::YAHOO);
    let market = market_url.map_or_else(|| simulated_market(rules), |url| Ok(Market::Url(url)))?;
    let options = UpOptions {
        root,
        home,
        alpaca_key: alpaca_key(&market, source)?,
        market,
        wait_scale,
        parameters: enabled.chain([(SOURCE.to_owned(), source.to_string())]).collect(),
        storage: Storage::Persistent,
    };
    let cloud = tokio::select! {
        cloud = LocalCloud::up(options, &progress) => cloud?,
        () = interrupted() => {
            progress.report("interrupted: nothing is left running");
            return Ok(Exit::Interrupted);
        }
    };
    progress.clear();
    console.answer(&describe(&cloud), &LocalJson::of(Some(&cloud)))?;
    progress.report(next(&cloud));
    Ok(Exit::Done)
}

fn already_up(cloud: &LocalCloud, args: &UpArgs, market_url: Option<&str>, console: &Console) -> anyhow::Result<Exit> {
    if let Some(source) = args.source.filter(|source| source.name != cloud.source()) {
        bail!(
            "a local cloud with --source {} is up: give the run --source {source}, or stop it with `cargo finstream local down`, then bring it up with that",
            cloud.source()
        );
    }
    match market_url {
        Some(url) if url != cloud.market_url => bail!(
            "a local cloud with the market {} is up: stop it with `cargo finstream local down`, then bring it up with {url}",
            cloud.market_url
        ),
        _ if !args.faults.rules.is_empty() => bail!(
            "a local cloud is up, and no fault can be injected into its market any more: stop it with `cargo finstream local down`, then bring it up with --fault"
        ),
        _ if args.schedules && !cloud.schedules_fire() => bail!(
            "a local cloud whose schedules do not fire is up: stop it with `cargo finstream local down`, then bring it up with --schedules"
        ),
        _ if args.live && !cloud.is_live() => bail!(
            "a local cloud without the stream of the open session is up: stop it with `cargo finstream local down`, then bring it up with --live"
        ),
        _ => {
            console.answer(&describe(cloud), &LocalJson::of(Some(cloud)))?;
            console.progress().report(if daily::is_running(&cloud.home) {
                "it was up already, and a `finstream daily` is running, which takes it down at its end if it brought it up"
            } else {
                "it was up already; to change it, stop it first: cargo finstream local down"
            });
        }
    }
    Ok(Exit::Done)
}

/// What to do with it next. Without schedules nobody starts a tick; how to do so by hand is in a document.
fn next(cloud: &LocalCloud) -> &'static str {
    match (cloud.is_live(), cloud.schedules_fire()) {
        (true, true) => {
            "\
next:
  cargo finstream live         the open session, whose ticks start from 09:36 to 16:01 in New York
  cargo finstream run          one run of the newest session that has ended
  cargo finstream local down   stop it"
        }
        (true, false) => {
            "\
next:
  cargo finstream live         the open session; ticks start by hand (docs/live.md), or with up --live --schedules
  cargo finstream run          one run of the newest session that has ended
  cargo finstream local down   stop it"
        }
        (false, _) => {
            "\
next:
  cargo finstream run                           one run of the newest session that has ended
  cargo finstream run --trade-date 2026-11-20   one run of that day
  cargo finstream local down                    stop it"
        }
    }
}

fn down(args: &DownArgs, console: &Console) -> anyhow::Result<Exit> {
    let home = workspace::local_home()?;
    let data = LocalCloud::data_folder(&home);
    if let Some(folder) = data.as_deref().filter(|_| args.delete && !args.yes)
        && !confirm_deletion(folder)?
    {
        console.progress().report("nothing was deleted, and nothing stopped");
        return Ok(Exit::Failed);
    }
    let mut done = vec![match LocalCloud::find(&home) {
        Some(cloud) => {
            let endpoint = cloud.endpoint.clone();
            cloud.down()?;
            format!("the local cloud at {endpoint} is down")
        }
        None => "no local cloud is up".to_owned(),
    }];
    match data {
        Some(folder) if args.delete => {
            LocalCloud::delete_data(&home)?;
            done.push(format!("deleted {}", folder.display()));
        }
        Some(folder) => done.push(format!("what it holds is kept in {}", folder.display())),
        None => {}
    }
    console.answer(&done.join("\n"), &LocalJson::of(None))?;
    Ok(Exit::Done)
}

/// Asks whether to delete a folder; anything but `y` or `yes` means no.
///
/// # Errors
/// When nobody can be asked.
fn confirm_deletion(folder: &Path) -> anyhow::Result<bool> {
    if !stdin().is_terminal() {
        bail!("--delete deletes {}, and nobody can be asked here: add --yes", folder.display());
    }
    let mut stderr = std::io::stderr();
    write!(stderr, "delete all bars, exports, executions and lists of companies in {}? (yes/no) ", folder.display())?;
    stderr.flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

fn status(console: &Console) -> anyhow::Result<Exit> {
    let cloud = workspace::cloud_up();
    let none = "no local cloud is up: start one with `cargo finstream local up`";
    let text = cloud.as_ref().map_or_else(|| none.to_owned(), describe);
    console.answer(&text, &LocalJson::of(cloud.as_ref()))?;
    Ok(Exit::Done)
}

/// The addresses and folders of a local cloud, one per line.
fn describe(cloud: &LocalCloud) -> String {
    let output = |name: &str| cloud.outputs.get(name).map_or("(none)", String::as_str);
    let waits = format!("last {} times as long as on AWS", cloud.wait_scale);
    let data = match cloud.storage {
        Storage::Persistent => format!("{} (kept until down --delete)", cloud.home.join("data").display()),
        Storage::Ephemeral => "not kept".to_owned(),
    };
    let (env, logs) = (cloud.home.join("env"), cloud.home.join("log"));
    let (live_stream, live_machine) = if cloud.is_live() {
        (output("LiveStreamArn"), output("LiveStateMachineArn"))
    } else {
        ("none (up --live)", "")
    };
    let lines = [
        ("endpoint", cloud.endpoint.as_str()),
        ("region", &cloud.region),
        ("stack", &cloud.stack),
        ("state machine", output("StateMachineArn")),
        ("bucket", output("DataBucket")),
        ("collect", output("CollectUrl")),
        ("source", cloud.source()),
        ("market", &cloud.market_url),
        ("waits", &waits),
        ("live stream", live_stream),
        ("live machine", live_machine),
        ("schedules", if cloud.schedules_fire() { "fire" } else { "do not fire (up --schedules)" }),
        ("data", &data),
        ("environment", &format!("{} (for the AWS CLI: set -a; . {0})", env.display())),
        ("logs", &logs.display().to_string()),
    ];
    let lines = lines.into_iter().filter(|(_, value)| !value.is_empty());
    let lines: Vec<_> = lines.map(|(name, value)| format!("  {name:<14} {value}")).collect();
    format!("the local cloud is up\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::json::tests::documented;

    fn cloud() -> Result<LocalCloud, serde_json::Error> {
        serde_json::from_value(serde_json::json!({
            "home": "/w/.local-cloud", "endpoint": "http://127.0.0.1:4566", "region": "us-east-1",
            "access_key_id": "test", "secret_access_key": "test", "stack": "finstream",
            "market_url": "http://127.0.0.1:8080", "wait_scale": 0.02, "storage": "persistent", "processes": [],
            "parameters": {"ScheduleState": "ENABLED"},
            "outputs": {"DataBucket": "finstream-data", "StateMachineArn": "arn:aws:states:us-east-1:1:stateMachine:p"},
        }))
    }

    #[test]
    fn a_local_cloud_is_described_by_its_addresses() -> Result<(), serde_json::Error> {
        insta::assert_snapshot!(describe(&cloud()?));
        Ok(())
    }

    #[test]
    fn a_local_cloud_with_a_stream_names_it_and_what_shows_it() -> Result<(), serde_json::Error> {
        let mut cloud = cloud()?;
        cloud.parameters.insert(LIVE.to_owned(), "ENABLED".to_owned());
        for (name, arn) in [("LiveStreamArn", "arn:…:stream/s"), ("LiveStateMachineArn", "arn:…:stateMachine:l")] {
            cloud.outputs.insert(name.to_owned(), arn.to_owned());
        }
        insta::assert_snapshot!(format!("{}\n{}", describe(&cloud), next(&cloud)));
        cloud.parameters.remove(SCHEDULE_STATE);
        insta::assert_snapshot!(next(&cloud));
        Ok(())
    }

    #[test]
    fn scripts_get_the_same_addresses() -> Result<(), serde_json::Error> {
        insta::assert_snapshot!(documented(&LocalJson::of(Some(&cloud()?)))?);
        assert_eq!(serde_json::to_string(&LocalJson::of(None))?, r#"{"up":false}"#);
        Ok(())
    }
}
