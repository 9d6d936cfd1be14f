//! The steps that bring a local cloud up, in order. What a step started is stopped when a later one fails.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::process::Running;
use super::{LocalCloud, MarketSource, UpOptions, build, deploy, server, state};
use crate::Progress;
use crate::python::Environment;

const STACK: &str = "finstream";

/// The access key that MiniStack takes for the account's root, whatever the secret.
const ROOT_KEY: &str = "test";

pub(super) async fn up(options: UpOptions, progress: &dyn Progress) -> anyhow::Result<LocalCloud> {
    let options = UpOptions { root: std::path::absolute(&options.root)?, ..options };
    let home = prepare(&options)?;
    let _lock = state::lock(&home)?;
    if let Some(running) = state::find(&home) {
        let at = running.home.display();
        bail!("a local cloud is up at {at} already, on {}; end it first: finstream local down", running.endpoint);
    }
    clear(&home)?;
    let python = Environment::ensure(&options.root, &options.root.join("local/requirements.txt"), progress).await?;
    let binaries = build::functions(&options.root, progress).await?;
    let template = build::stage(&options.root, &binaries, &home.join("stage"))?;
    let (started, mut cloud) = start(&options, home, &python, progress).await?;
    let mut parameters = deploy::parameters(&cloud.market_url)?;
    parameters.extend(options.parameters);
    let deployed = deploy::deploy(&cloud, &python, &template, &parameters, progress).await?;
    cloud.outputs = deployed.outputs;
    state::save(&cloud, &deployed.environment)?;
    started.into_iter().for_each(Running::detach);
    Ok(cloud)
}

/// Validates the options before anything is started, and creates the home.
fn prepare(options: &UpOptions) -> anyhow::Result<PathBuf> {
    if !options.root.join("template.yaml").is_file() {
        bail!("there is no template.yaml in {}; run this in the finstream workspace", options.root.display());
    }
    if !(options.wait_scale.is_finite() && options.wait_scale >= 0.0) {
        bail!("the wait scale is {}, and must be 0 or more", options.wait_scale);
    }
    let home = std::path::absolute(&options.home)?;
    fs::create_dir_all(&home).with_context(|| format!("cannot create the folder {}", home.display()))?;
    Ok(home)
}

/// Empties the folders that an earlier local cloud wrote; other files at the home may belong to other tools.
fn clear(home: &Path) -> anyhow::Result<()> {
    for folder in ["log", "tmp"].map(|name| home.join(name)) {
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        fs::create_dir(&folder).with_context(|| format!("cannot create the folder {}", folder.display()))?;
    }
    Ok(())
}

/// Starts the market, unless its URL is given, and the server.
async fn start(
    options: &UpOptions,
    home: PathBuf,
    python: &Environment,
    progress: &dyn Progress,
) -> anyhow::Result<(Vec<Running>, LocalCloud)> {
    progress.step("starting the local cloud");
    let mut started = Vec::new();
    let market_url = match &options.market {
        MarketSource::Url(url) => url.clone(),
        MarketSource::Command { program, args } => {
            let (market, url) = server::start_market(program, args, &home).await?;
            started.push(market);
            url
        }
    };
    let (server, address) = server::start(options, &home, python).await?;
    started.push(server);
    let cloud = LocalCloud {
        home,
        endpoint: format!("http://{address}"),
        region: server::REGION.to_owned(),
        access_key_id: ROOT_KEY.to_owned(),
        secret_access_key: ROOT_KEY.to_owned(),
        stack: STACK.to_owned(),
        market_url,
        wait_scale: options.wait_scale,
        outputs: BTreeMap::new(),
        processes: started.iter().map(|running| running.process().clone()).collect(),
    };
    progress.done(&format!("local cloud on {}", cloud.endpoint));
    Ok((started, cloud))
}
