//! The data folder of a local cloud, `<home>/data`: its objects, the state of its services, and a manifest of both.
//!
//! It outlives the processes. Other files at the home are written anew each time that the local cloud is brought up.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use serde::{Deserialize, Serialize};

use crate::write_atomic;

/// The version of what this crate and `persistence.py` save. A later one may not read it; then it is raised.
const FORMAT: u32 = 1;

/// How long a server may take to save its state and end; usually a second or two.
const LOCK_TIMEOUT: Duration = Duration::from_secs(15);
const LOCK_POLL: Duration = Duration::from_millis(20);

/// The ports on 127.0.0.1 of a local cloud. What is deployed refers to them: the URLs of queues, the functions' settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ports {
    pub(super) server: u16,
    pub(super) market: u16,
}

impl Ports {
    /// Those to choose from: below the ones that systems give to outgoing connections, of which one could take a port while the
    /// cloud is down. <https://docs.kernel.org/networking/ip-sysctl.html> (`ip_local_port_range`)
    const CHOICE: Range<u16> = 20_000..32_000;

    /// Two ports that nobody uses.
    pub(super) fn free() -> anyhow::Result<Self> {
        let mut tried = std::iter::repeat_with(|| rand::random_range(Self::CHOICE)).take(1_000);
        let mut free = || tried.find_map(|port| Some((port, TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?)));
        // Both are held before the first is given back, so that they differ.
        let (Some((server, _held)), Some((market, _))) = (free(), free()) else {
            bail!("no port of this machine from {} to {} is free", Self::CHOICE.start, Self::CHOICE.end)
        };
        Ok(Self { server, market })
    }
}

/// Whose prices the bars are. One lake never holds both: what a run lacks stays from an earlier one, and bars do not say whose they
/// are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Prices {
    #[default]
    Simulated,
    Yahoo,
}

/// What is known of the data without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    /// The version of MiniStack that wrote it.
    ministack: String,
    ports: Ports,
    /// Whose prices it holds.
    #[serde(default)]
    prices: Prices,
    /// The fingerprint of what is deployed; none before anything is. The server saves nothing while it deploys, so that
    /// this holds after a deployment that was interrupted, too.
    deployment: Option<String>,
}

/// The data of a local cloud that is kept.
#[derive(Debug)]
pub(super) struct Data {
    folder: PathBuf,
    manifest: Manifest,
}

impl Data {
    /// The data at `home`, written by MiniStack `ministack`; new where there is none.
    ///
    /// # Errors
    /// When a server uses it, when another version wrote it, when it holds the prices of another market, or when its manifest
    /// cannot be read or written.
    pub(super) fn open(home: &Path, ministack: &str, prices: Prices) -> anyhow::Result<Self> {
        let _lock = lock(home)?;
        let folder = folder(home);
        match fs::read(manifest_path(&folder)) {
            Ok(text) => {
                let manifest = parse(&text, ministack).map_err(|reason| {
                    anyhow!(
                        "the data in {} cannot be used: {reason:#}; bring it up with the version of finstream that \
                         wrote it, or delete it and start afresh: cargo finstream local down --delete",
                        folder.display()
                    )
                })?;
                if manifest.deployment.is_none() {
                    return Self::create(folder, manifest.ports, ministack, prices);
                }
                if manifest.prices != prices {
                    let (held, other) = match prices {
                        Prices::Yahoo => ("simulated prices", "Yahoo's"),
                        Prices::Simulated => ("Yahoo's prices", "simulated ones"),
                    };
                    bail!(
                        "the data in {} has {held}, and {other} must not be mixed with them: give this market a home of its own \
                         with FINSTREAM_LOCAL_HOME, or delete the data: cargo finstream local down --delete",
                        folder.display()
                    );
                }
                Ok(Self { folder, manifest })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Self::create(folder, Ports::free()?, ministack, prices)
            }
            Err(error) => Err(error).with_context(|| format!("cannot read the data in {}", folder.display())),
        }
    }

    fn create(folder: PathBuf, ports: Ports, ministack: &str, prices: Prices) -> anyhow::Result<Self> {
        if folder.exists() {
            // It is what an interrupted deletion has left, or an interrupted first deployment.
            fs::remove_dir_all(&folder).with_context(|| format!("cannot delete {}", folder.display()))?;
        }
        let manifest = Manifest { format: FORMAT, ministack: ministack.to_owned(), ports, prices, deployment: None };
        let data = Self { folder, manifest };
        data.write()?;
        Ok(data)
    }

    pub(super) fn ports(&self) -> Ports {
        self.manifest.ports
    }

    /// Whether what has this fingerprint is deployed already.
    pub(super) fn is_deployed(&self, fingerprint: &str) -> bool {
        self.manifest.deployment.as_deref() == Some(fingerprint)
    }

    /// Records what is deployed.
    pub(super) fn record_deployment(&mut self, fingerprint: String) -> anyhow::Result<()> {
        self.manifest.deployment = Some(fingerprint);
        self.write()
    }

    fn write(&self) -> anyhow::Result<()> {
        write_atomic(&manifest_path(&self.folder), &serde_json::to_vec_pretty(&self.manifest)?)
    }
}

pub(super) fn folder(home: &Path) -> PathBuf {
    home.join("data")
}

fn manifest_path(folder: &Path) -> PathBuf {
    folder.join("manifest.json")
}

fn parse(text: &[u8], ministack: &str) -> anyhow::Result<Manifest> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let Version { format } = serde_json::from_slice(text).context("its manifest.json is damaged")?;
    if format != FORMAT {
        bail!("it is of format {format}, and this finstream reads format {FORMAT}");
    }
    let manifest: Manifest = serde_json::from_slice(text).context("its manifest.json is damaged")?;
    if manifest.ministack != ministack {
        bail!("MiniStack {} wrote it, and this finstream runs MiniStack {ministack}", manifest.ministack);
    }
    Ok(manifest)
}

/// The lock on the data, which a server holds as long as it runs; waits for one that is ending and saves its state.
fn lock(home: &Path) -> anyhow::Result<File> {
    let path = home.join("data.lock");
    let file = fs::create_dir_all(home).and_then(|()| File::create(&path));
    let file = file.with_context(|| format!("cannot write {}", path.display()))?;
    let deadline = Instant::now() + LOCK_TIMEOUT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(LOCK_POLL),
            Err(TryLockError::WouldBlock) => bail!("a server still uses the data in {}", folder(home).display()),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
    }
}

/// The version of MiniStack that a requirements file pins.
pub(super) fn ministack_version(requirements: &Path) -> anyhow::Result<String> {
    let pins = fs::read_to_string(requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    let pin = pins.lines().find_map(|line| line.strip_prefix("ministack==")?.split_whitespace().next());
    pin.map(str::to_owned).with_context(|| format!("{} pins no version of ministack", requirements.display()))
}

/// Deletes the data at `home`. The manifest goes first: what remains after an interruption is not taken for data.
pub(super) fn delete(home: &Path) -> anyhow::Result<()> {
    let _lock = lock(home)?;
    let folder = folder(home);
    let deleted = match fs::remove_file(manifest_path(&folder)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => fs::remove_dir_all(&folder),
    };
    deleted.with_context(|| format!("cannot delete {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_found_again_with_its_ports_and_deployment() -> anyhow::Result<()> {
        let home = tempfile::tempdir()?;
        let mut data = Data::open(home.path(), "1.5.33", Prices::Simulated)?;
        assert!(data.ports().server != data.ports().market && !data.is_deployed("abc"));
        data.record_deployment("abc".to_owned())?;
        let found = Data::open(home.path(), "1.5.33", Prices::Simulated)?;
        assert_eq!(found.ports(), data.ports());
        assert!(found.is_deployed("abc") && !found.is_deployed("def"));
        Ok(())
    }

    #[test]
    fn data_that_a_server_uses_is_waited_for() -> anyhow::Result<()> {
        let home = tempfile::tempdir()?;
        let held = lock(home.path())?;
        let path = home.path().to_owned();
        let opened = std::thread::spawn(move || Data::open(&path, "1.5.33", Prices::Simulated).map(drop));
        std::thread::sleep(5 * LOCK_POLL);
        assert!(!opened.is_finished() && !folder(home.path()).exists());
        drop(held);
        assert!(opened.join().is_ok_and(|opened| opened.is_ok()) && folder(home.path()).exists());
        Ok(())
    }

    #[test]
    fn nothing_is_kept_of_an_interrupted_first_deployment() -> anyhow::Result<()> {
        let home = tempfile::tempdir()?;
        let ports = Data::open(home.path(), "1.5.33", Prices::Simulated)?.ports();
        let state = home.path().join("data/state/glue.json");
        write_atomic(&state, b"{}")?;
        assert_eq!(Data::open(home.path(), "1.5.33", Prices::Simulated)?.ports(), ports);
        assert!(!state.exists());
        Ok(())
    }

    #[test]
    fn data_of_another_version_is_refused_and_kept() -> anyhow::Result<()> {
        let cases = [
            (r#"{"format":1,"ministack":"1.5.30","ports":{"server":1,"market":2}}"#, "MiniStack 1.5.30 wrote it"),
            (r#"{"format":2}"#, "it is of format 2, and this finstream reads format 1"),
            (r#"{"format":1"#, "its manifest.json is damaged"),
            (r#"{"format":1}"#, "its manifest.json is damaged"),
        ];
        for (text, reason) in cases {
            let home = tempfile::tempdir()?;
            write_atomic(&home.path().join("data/manifest.json"), text.as_bytes())?;
            let error = Data::open(home.path(), "1.5.33", Prices::Simulated).err().with_context(|| text.to_owned())?;
            let error = format!("{error:#}");
            assert!(error.contains(reason) && error.contains("local down --delete"), "{error}");
            assert_eq!(fs::read_to_string(home.path().join("data/manifest.json"))?, text);
        }
        Ok(())
    }

    #[test]
    fn prices_of_two_markets_are_not_mixed() -> anyhow::Result<()> {
        for (held, other, says) in [
            (Prices::Simulated, Prices::Yahoo, "has simulated prices"),
            (Prices::Yahoo, Prices::Simulated, "has Yahoo's prices"),
        ] {
            let home = tempfile::tempdir()?;
            Data::open(home.path(), "1.5.33", other)?; // nothing is deployed, so that nothing is kept of it
            Data::open(home.path(), "1.5.33", held)?.record_deployment("abc".to_owned())?;
            let error = Data::open(home.path(), "1.5.33", other).err().context("it was opened")?.to_string();
            assert!(error.contains(says) && error.contains("FINSTREAM_LOCAL_HOME"), "{error}");
            assert!(Data::open(home.path(), "1.5.33", held)?.is_deployed("abc"));
        }
        Ok(())
    }

    #[test]
    fn deleted_data_is_gone_even_if_the_deletion_was_interrupted() -> anyhow::Result<()> {
        let home = tempfile::tempdir()?;
        let object = home.path().join("data/s3/000000000000/bucket/key");
        for interrupted in [false, true] {
            Data::open(home.path(), "1.5.33", Prices::Simulated)?.record_deployment("abc".to_owned())?;
            write_atomic(&object, b"")?;
            if interrupted {
                fs::remove_file(home.path().join("data/manifest.json"))?;
            } else {
                delete(home.path())?;
            }
            assert!(!Data::open(home.path(), "1.5.33", Prices::Simulated)?.is_deployed("abc") && !object.exists());
        }
        Ok(())
    }

    #[test]
    fn the_launcher_names_the_version_of_ministack_that_is_installed() -> anyhow::Result<()> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let version = ministack_version(&folder.join("requirements.txt"))?;
        let launcher = fs::read_to_string(folder.join("launcher.py"))?;
        assert!(launcher.starts_with(&format!("\"\"\"MiniStack {version} ")), "{version}");
        Ok(())
    }
}
