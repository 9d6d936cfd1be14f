//! `finstream demo`: runs the whole pipeline once on this machine, on a local cloud of its own that is taken down
//! again however the run ends.

use std::{collections::BTreeMap, path::PathBuf};

use local::{
    LocalCloud, UpOptions,
    cloud::{MarketSource, Storage},
};
use url::Url;

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
    args.request.result.out.folder.check(args.request.trade_date)?;
    let root = workspace::root()?;
    let home = workspace::demo_home(&root);
    let progress = console.progress();
    progress.report(introduction(args.live));
    tokio::select! {
        code = run_once(args, root, home, console, &progress) => code,
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

async fn run_once(
    args: DemoArgs,
    root: PathBuf,
    home: PathBuf,
    console: &Console,
    progress: &ProgressDisplay,
) -> anyhow::Result<Exit> {
    let yahoo = args.live.then(|| Url::parse(YAHOO_URL)).transpose()?;
    let wait_scale = wait_scale(yahoo.as_ref(), yahoo.is_none().then_some(SIMULATED_WAIT_SCALE))?;
    let market = match yahoo {
        Some(url) => MarketSource::Url(base_url(&url)),
        None => simulated_market(&args.faults.rules)?,
    };
    let options =
        UpOptions { root, home, market, wait_scale, parameters: BTreeMap::new(), storage: Storage::Ephemeral };
    let cloud = LocalCloud::up(options, progress).await?;
    // Taken down when the guard is dropped: after the run, on an error, or when Ctrl-C drops this future.
    let cloud = cloud.guard()?;
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
