//! The steps that bring a local cloud up, in order. What a step started is stopped when a later one fails.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use super::data::{self, Data, Ports, Prices};
use super::deploy::Deployed;
use super::process::Running;
use super::{LocalCloud, Market, Storage, UpOptions, build, deploy, server, state};
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
        bail!("a local cloud is up at {at} already, on {}", running.endpoint);
    }
    let requirements = options.root.join("local/requirements.txt");
    let mut data = match options.storage {
        Storage::Ephemeral => None,
        Storage::Persistent => {
            let prices = deploy::source_at(market_url(&options)).map_or(Prices::Simulated, |_| Prices::Yahoo);
            Some(Data::open(&home, &data::ministack_version(&requirements)?, prices)?)
        }
    };
    let ports = data.as_ref().map_or_else(Ports::free, |data| Ok(data.ports()))?;
    server::wait_until_free(ports, &home).await?;
    clear(&home)?;
    // At once: the one waits for downloads and writes many small files, the other computes.
    let python = Environment::ensure(&options.root, &requirements, progress);
    let (python, binaries) = tokio::try_join!(python, build::functions(&options.root, progress))?;
    let stage = home.join("stage");
    let staging = build::stage(&options.root, &binaries, &python, &stage);
    let (template, started) = tokio::try_join!(staging, start(&options, home, ports, &python, progress))?;
    let (started, mut cloud) = started;
    let deploying = async {
        match &mut data {
            None => deploy::deploy(&cloud, &python, &template, progress).await,
            Some(data) => deploy_changes(&cloud, data, &python, &template, progress).await,
        }
    };
    let key = deploy::put_secret(&cloud, options.alpaca_key.as_ref(), &python, progress);
    let (deployed, ()) = tokio::try_join!(deploying, key)?;
    cloud.outputs = deployed.outputs;
    state::save(&cloud, &deployed.environment)?;
    started.into_iter().for_each(Running::detach);
    Ok(cloud)
}

/// The URL of the market, where it is given; that of a simulated one is not known yet.
fn market_url(options: &UpOptions) -> &str {
    match &options.market {
        Market::Url(url) => url,
        Market::Command { .. } => "",
    }
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
    // A key of a market that it is given lies in there.
    let created = DirBuilder::new().recursive(true).mode(0o700).create(&home);
    created.with_context(|| format!("cannot create the folder {}", home.display()))?;
    Ok(home)
}

/// Deploys the template, unless the very same is deployed already.
async fn deploy_changes(
    cloud: &LocalCloud,
    data: &mut Data,
    python: &Environment,
    template: &Path,
    progress: &dyn Progress,
) -> anyhow::Result<Deployed> {
    let stage = template.parent().context("the template is in no folder")?;
    let fingerprint = build::fingerprint(stage, &cloud.parameters)?;
    if data.is_deployed(&fingerprint)
        && let Ok(deployed) = deploy::read(cloud, python, progress).await
    {
        progress.done(&format!("stack {} is up to date", cloud.stack));
        return Ok(deployed);
    }
    let deployed = deploy::deploy(cloud, python, template, progress).await?;
    // Recorded only once the server cannot lose it any more.
    server::save(&cloud.endpoint).await?;
    data.record_deployment(fingerprint)?;
    Ok(deployed)
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
    ports: Ports,
    python: &Environment,
    progress: &dyn Progress,
) -> anyhow::Result<(Vec<Running>, LocalCloud)> {
    progress.step("starting the local cloud");
    let mut started = Vec::new();
    let market_url = match &options.market {
        Market::Url(url) => url.clone(),
        Market::Command { program, args } => {
            let (market, url) = server::start_market(program, args, ports.market, &home).await?;
            started.push(market);
            url
        }
    };
    let (server, address) = server::start(options, &home, ports.server, python).await?;
    started.push(server);
    let mut parameters = deploy::parameters(&market_url)?;
    parameters.extend(options.parameters.clone());
    let cloud = LocalCloud {
        home,
        endpoint: format!("http://{address}"),
        region: server::REGION.to_owned(),
        access_key_id: ROOT_KEY.to_owned(),
        secret_access_key: ROOT_KEY.to_owned(),
        stack: STACK.to_owned(),
        market_url,
        wait_scale: options.wait_scale,
        storage: options.storage,
        parameters,
        outputs: BTreeMap::new(),
        processes: started.iter().map(|running| running.process().clone()).collect(),
    };
    progress.done(&format!("local cloud on {}", cloud.endpoint));
    Ok((started, cloud))
}
