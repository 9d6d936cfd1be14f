//! `finstream demo`: runs the whole pipeline once on this machine, on a local cloud of its own that is taken down
//! again however the run ends. With `--stream` it shows an open session instead.

#[cfg(feature = "live")]
mod stream;

use std::{collections::BTreeMap, path::Path};

use anyhow::bail;
use local::{
    LocalCloud, UpOptions,
    cloud::{Guard, Market, Storage},
};
use url::Url;

#[cfg(not(feature = "live"))]
use super::on_demand;
use super::{
    follow::follow_to_end,
    local::{base_url, simulated_market},
    run::new_name,
};
use crate::{
    alpaca_key::alpaca_key,
    args::{DemoArgs, YAHOO_URL},
    aws::{execution, target::Target},
    exit::Exit,
    interrupt::interrupted,
    output::{console::Console, progress::ProgressDisplay},
    wait_scale::wait_scale,
    workspace,
};

/// The factor by which waits are scaled where the market is simulated. There is nothing to wait for: neither does Firehose
/// buffer, nor are bars late. It is only to be seen that the state machine waits.
const SIMULATED_WAIT_SCALE: f64 = 0.005;

pub async fn demo(args: DemoArgs, console: &Console) -> anyhow::Result<Exit> {
    if !args.stream {
        args.request.result.out.folder.check(args.request.trade_date)?;
    }
    check_that_no_other_runs(&workspace::demo_home(&workspace::root()?))?;
    if args.stream {
        return demo_stream(args, console).await;
    }
    let progress = console.progress();
    progress.report(&introduction(args.live, source(&args)));
    until_interrupted(run_once(args, console, &progress), &progress).await
}

#[cfg(feature = "live")]
async fn demo_stream(args: DemoArgs, console: &Console) -> anyhow::Result<Exit> {
    let progress = console.progress();
    until_interrupted(stream::stream(args, console, &progress), &progress).await
}

/// The board is left out of the command that `cargo demo` builds.
#[cfg(not(feature = "live"))]
async fn demo_stream(_: DemoArgs, console: &Console) -> anyhow::Result<Exit> {
    on_demand::run("live", console.verbosity).map(|never| match never {})
}

/// Ctrl-C drops the demo, and with it the guard of its local cloud.
async fn until_interrupted(
    demo: impl Future<Output = anyhow::Result<Exit>>,
    progress: &ProgressDisplay,
) -> anyhow::Result<Exit> {
    tokio::select! {
        exit = demo => exit,
        () = interrupted() => {
            progress.report("interrupted: the demo's cloud is taken down");
            Ok(Exit::Interrupted)
        }
    }
}

fn introduction(live: bool, source: shared::MarketSource) -> String {
    let source = source.label;
    if live {
        format!(
            "demo: the whole pipeline on this machine, once; prices are {source}'s, and waits last as long as on AWS"
        )
    } else {
        format!("demo: the whole pipeline on this machine, once; prices are simulated (--live queries {source})")
    }
}

/// Whose bars are collected.
fn source(args: &DemoArgs) -> shared::MarketSource {
    args.request.source.source.unwrap_or(shared::MarketSource::YAHOO)
}

async fn run_once(args: DemoArgs, console: &Console, progress: &ProgressDisplay) -> anyhow::Result<Exit> {
    let yahoo = args.live.then(|| Url::parse(YAHOO_URL)).transpose()?;
    let wait_scale = wait_scale(yahoo.as_ref(), yahoo.is_none().then_some(SIMULATED_WAIT_SCALE))?;
    let market = match yahoo {
        Some(url) => Market::Url(base_url(&url)),
        None => simulated_market(&args.faults.rules)?,
    };
    let cloud = bring_up(market, source(&args), wait_scale, BTreeMap::new(), progress).await?;
    let target = Target::local(&cloud)?;
    let request = args.request.request();
    let name = new_name(&request);
    execution::start(&target, &name, &request).await?;
    Ok(match follow_to_end(&target, &name, &args.request.result, console, progress).await? {
        // It has shown what the pipeline does; the simulated market leaves out bars on purpose.
        Exit::Incomplete | Exit::NoSession => Exit::Done,
        exit => exit,
    })
}

/// Of demos one runs at a time: they have one home, so that a demo that was killed is cleaned up by the next.
///
/// # Errors
/// When one runs, also while its local cloud is coming up. No command of the user's own local cloud ends it.
fn check_that_no_other_runs(home: &Path) -> anyhow::Result<()> {
    let place = match LocalCloud::find(home) {
        Some(cloud) => format!(", with a local cloud on {}", cloud.endpoint),
        None if LocalCloud::is_coming_up(home) => String::new(),
        None => return Ok(()),
    };
    bail!("another demo is running{place}: wait for its end, or stop it with Ctrl-C in its terminal")
}

/// A local cloud for one demo. It is taken down when the guard is dropped: after the demo, on an error, or when Ctrl-C drops
/// the demo's future.
async fn bring_up(
    market: Market,
    source: shared::MarketSource,
    wait_scale: f64,
    parameters: BTreeMap<String, String>,
    progress: &ProgressDisplay,
) -> anyhow::Result<Guard> {
    let root = workspace::root()?;
    let home = workspace::demo_home(&root);
    let (alpaca_key, storage) = (alpaca_key(&market, source)?, Storage::Ephemeral);
    let options = UpOptions { root, home, market, alpaca_key, wait_scale, parameters, storage };
    LocalCloud::up(options, progress).await?.guard()
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use serde_json::json;

    use super::*;

    #[test]
    fn a_second_demo_names_the_first_and_no_command_of_another_cloud() -> anyhow::Result<()> {
        let home = tempfile::tempdir()?;
        let says = || check_that_no_other_runs(home.path()).map_err(|error| error.to_string());
        assert_eq!(says(), Ok(()));

        let state = json!({
            "home": home.path(), "endpoint": "http://127.0.0.1:4566", "region": "us-east-1", "access_key_id": "test",
            "secret_access_key": "test", "stack": "finstream", "market_url": "http://127.0.0.1:8080", "wait_scale": 0.02,
            "outputs": {}, "processes": [],
        });
        let file = home.path().join("state.json");
        fs::write(&file, state.to_string())?;
        let expected = "another demo is running, with a local cloud on http://127.0.0.1:4566: wait for its end, or stop it with \
                        Ctrl-C in its terminal";
        assert_eq!(says(), Err(expected.to_owned()));

        fs::remove_file(file)?;
        let lock = File::create(home.path().join("lock"))?;
        lock.lock()?;
        let expected = "another demo is running: wait for its end, or stop it with Ctrl-C in its terminal";
        assert_eq!(says(), Err(expected.to_owned()));
        Ok(())
    }
}
