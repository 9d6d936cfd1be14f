//! `finstream demo`: the whole pipeline once on this machine, on a cloud of its own that is taken down again,
//! however the run ends.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use local::{
    LocalCloud, UpOptions,
    cloud::{DEFAULT_WAIT_SCALE, MarketSource},
};

use super::{follow::conclude, local::simulated_market, run::start};
use crate::{
    args::DemoArgs,
    aws::target::Target,
    interrupt::{INTERRUPTED, interrupted},
    output::progress::Screen,
    workspace,
};

/// Yahoo's chart service.
const YAHOO: &str = "https://query2.finance.yahoo.com";

/// `finstream demo`.
pub async fn demo(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let root = workspace::root()?;
    let home = workspace::demo_home(&root);
    let screen = Screen::new();
    screen.tell(introduction(args.live));
    tokio::select! {
        code = once(args, root, home, &screen) => code,
        () = interrupted() => {
            screen.tell("interrupted: the demo's cloud is taken down");
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

fn introduction(live: bool) -> &'static str {
    if live {
        "demo: the whole pipeline on this machine, once; prices are Yahoo's"
    } else {
        "demo: the whole pipeline on this machine, once; prices are simulated (--live asks Yahoo)"
    }
}

async fn once(args: DemoArgs, root: PathBuf, home: PathBuf, screen: &Screen) -> anyhow::Result<ExitCode> {
    let market = if args.live { MarketSource::Url(YAHOO.to_owned()) } else { simulated_market(&args.faults.rules)? };
    let options = UpOptions { root, home, market, wait_scale: DEFAULT_WAIT_SCALE, parameters: BTreeMap::new() };
    let cloud = LocalCloud::up(options, screen).await?;
    // Dropped at the end of this function, however it ends: with the run, by an error, or cut short by Ctrl-C.
    let cloud = cloud.guard()?;
    let target = Target::local(&cloud)?;
    let name = start(&target, &args.request.request()).await?;
    conclude(&target, &name, args.request.out, screen).await
}
