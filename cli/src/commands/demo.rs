//! `finstream demo`: runs the whole pipeline once on this machine, on a local cloud of its own that is taken down
//! again however the run ends. With `--stream` it shows an open session instead.

#[cfg(feature = "live")]
mod stream;

use std::collections::BTreeMap;

use local::{
    LocalCloud, UpOptions,
    cloud::{Guard, MarketSource, Storage},
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
    if args.stream {
        return demo_stream(args, console).await;
    }
    args.request.result.out.folder.check(args.request.trade_date)?;
    let progress = console.progress();
    progress.report(introduction(args.live));
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

fn introduction(live: bool) -> &'static str {
    if live {
        "demo: the whole pipeline on this machine, once; prices are Yahoo's, and waits last as long as on AWS"
    } else {
        "demo: the whole pipeline on this machine, once; prices are simulated (--live queries Yahoo)"
    }
}

async fn run_once(args: DemoArgs, console: &Console, progress: &ProgressDisplay) -> anyhow::Result<Exit> {
    let yahoo = args.live.then(|| Url::parse(YAHOO_URL)).transpose()?;
    let wait_scale = wait_scale(yahoo.as_ref(), yahoo.is_none().then_some(SIMULATED_WAIT_SCALE))?;
    let market = match yahoo {
        Some(url) => MarketSource::Url(base_url(&url)),
        None => simulated_market(&args.faults.rules)?,
    };
    let cloud = bring_up(market, wait_scale, BTreeMap::new(), progress).await?;
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

/// A local cloud for one demo. It is taken down when the guard is dropped: after the demo, on an error, or when Ctrl-C drops
/// the demo's future.
async fn bring_up(
    market: MarketSource,
    wait_scale: f64,
    parameters: BTreeMap<String, String>,
    progress: &ProgressDisplay,
) -> anyhow::Result<Guard> {
    let root = workspace::root()?;
    let home = workspace::demo_home(&root);
    let options = UpOptions { root, home, market, wait_scale, parameters, storage: Storage::Ephemeral };
    LocalCloud::up(options, progress).await?.guard()
}
