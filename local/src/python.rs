//! Python environments with pinned, hashed packages: the local cloud's, and that of the tools which check the project.
//!
//! Each is in `target/python/<requirements file>-<its hash>` and is created on first use, so a changed requirements file
//! gets a new one and nothing is installed for the whole machine.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};
use tokio::process::Command;

use crate::{Progress, command};

/// Written last: an environment without it is incomplete. It holds the environment's own path, because the scripts in
/// the environment have that path built in and one that was moved must be created anew.
const MARKER: &str = ".complete";

/// The oldest Python that the pinned packages were resolved for.
const MIN_PYTHON: (u32, u32) = (3, 10);

/// The user's environment variables that would install packages, or search for modules, outside of the environment.
const REMOVED_VARIABLES: [&str; 6] = ["PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"];

/// A Python environment that holds exactly the packages of a requirements file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// The environment of a requirements file, created below `root/target/python` if it does not exist yet. When two
    /// processes call this at once, one creates it and the other waits.
    ///
    /// It is created with `$PYTHON`, or else `python3`.
    ///
    /// # Errors
    /// When the requirements file cannot be read, Python or its `venv` module is missing or too old, or a package cannot
    /// be installed.
    pub async fn ensure(root: &Path, requirements: &Path, progress: &dyn Progress) -> anyhow::Result<Self> {
        let pins = fs::read(requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
        let parent = root.join("target/python");
        fs::create_dir_all(&parent).with_context(|| format!("cannot create the folder {}", parent.display()))?;
        // Canonical, since the path is built into the environment.
        let environment = Self { folder: parent.canonicalize()?.join(folder_name(requirements, &pins)) };
        if environment.is_complete() {
            return Ok(environment);
        }
        let _lock = lock(environment.folder.with_added_extension("lock")).await?;
        if !environment.is_complete() {
            environment.create(requirements, progress).await?;
        }
        Ok(environment)
    }

    /// The path of a program that a package installed, such as `aws`, or of `python` itself.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    fn is_complete(&self) -> bool {
        let marker = fs::read(self.folder.join(MARKER));
        // The interpreter is a symbolic link to the machine's, which may have been removed since.
        marker.is_ok_and(|path| path == self.folder.as_os_str().as_encoded_bytes()) && self.program("python").is_file()
    }

    async fn create(&self, requirements: &Path, progress: &dyn Progress) -> anyhow::Result<()> {
        let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
        progress.step("creating a Python environment");
        check_version(&python, progress).await?;
        let mut venv = isolated(&python);
        venv.args(["-m", "venv", "--clear"]).arg(&self.folder);
        command::run(venv, progress).await.context(
            "cannot create a Python environment; where Python comes without the venv module, install it \
             (on Debian and Ubuntu: apt-get install python3-venv)",
        )?;
        let mut pip = isolated(self.program("python"));
        pip.args(["-m", "pip", "install", "--no-deps", "--require-hashes", "--disable-pip-version-check"]);
        pip.args(["--no-input", "--progress-bar", "off", "--requirement"]).arg(requirements);
        command::run(pip, progress).await.with_context(|| {
            format!(
                "cannot install the packages of {}; it needs a connection to the Python package index, once",
                requirements.display()
            )
        })?;
        fs::write(self.folder.join(MARKER), self.folder.as_os_str().as_encoded_bytes())?;
        progress.done(&format!("Python environment in {}", self.folder.display()));
        Ok(())
    }
}

fn folder_name(requirements: &Path, pins: &[u8]) -> String {
    let stem = requirements.file_stem().unwrap_or_default().to_string_lossy();
    let hash: String = Sha256::digest(pins).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{stem}-{hash}")
}

/// Waits until no other process is creating the environment. The lock ends with the file handle, even if the process is killed.
async fn lock(path: PathBuf) -> anyhow::Result<File> {
    let held = tokio::task::spawn_blocking({
        let path = path.clone();
        move || File::create(path).and_then(|file| file.lock().map(|()| file))
    });
    held.await?.with_context(|| format!("cannot lock {}", path.display()))
}

/// A command without the variables in [`REMOVED_VARIABLES`].
fn isolated(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for name in REMOVED_VARIABLES {
        command.env_remove(name);
    }
    command
}

async fn check_version(python: &str, progress: &dyn Progress) -> anyhow::Result<()> {
    let mut version = isolated(python);
    version.args(["-c", "import sys; print(*sys.version_info[:2])"]);
    let (major, minor) = MIN_PYTHON;
    let advice = || format!("install Python {major}.{minor} or newer, or name one in the environment variable PYTHON");
    let found = command::read(version, progress).await.with_context(advice)?;
    let parsed =
        found.trim().split_once(' ').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    if parsed.is_none_or(|found: (u32, u32)| found < MIN_PYTHON) {
        bail!("{python} is Python {}: {}", found.trim().replace(' ', "."), advice());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Steps(AtomicUsize);

    impl Progress for Steps {
        fn step(&self, _: &str) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        fn detail(&self, _: &str) {}
        fn position(&self, _: &str) {}
        fn done(&self, _: &str) {}
    }

    /// A package without a package index: a wheel with one program, as a requirement with its hash.
    const WHEEL: &str = r#"
import hashlib, sys, zipfile
info = "tiny-1.0.dist-info/"
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.writestr("tiny.py", "def main(): print('tiny works')")
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(info + "entry_points.txt", "[console_scripts]\ntiny = tiny:main\n")
    wheel.writestr(info + "RECORD", "")
print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())
"#;

    /// Writes a requirements file for that wheel; its hash is right if nothing is `changed`.
    fn requirements(root: &Path, changed: &str) -> anyhow::Result<PathBuf> {
        let wheel = root.join("tiny-1.0-py3-none-any.whl");
        let made = std::process::Command::new("python3").args(["-c", WHEEL]).arg(&wheel).output()?;
        let hash = String::from_utf8(made.stdout)?.trim().replacen(char::is_alphanumeric, changed, changed.len());
        let file = root.join("requirements.txt");
        fs::write(&file, format!("tiny @ file://{} --hash=sha256:{hash}\n", wheel.display()))?;
        Ok(file)
    }

    #[tokio::test]
    async fn an_environment_is_created_once() -> anyhow::Result<()> {
        let root = tempfile::tempdir()?;
        let file = requirements(root.path(), "")?;
        let steps = Steps::default();
        let ensure = || Environment::ensure(root.path(), &file, &steps);
        let (one, two) = tokio::try_join!(ensure(), ensure())?;
        assert_eq!(one, two);
        assert_eq!(one, ensure().await?);
        assert_eq!(steps.0.load(Ordering::Relaxed), 1);
        let output = std::process::Command::new(one.program("tiny")).output()?;
        assert_eq!(String::from_utf8(output.stdout)?, "tiny works\n");
        fs::remove_file(one.folder.join(MARKER))?;
        assert_eq!(one, ensure().await?);
        assert_eq!(steps.0.load(Ordering::Relaxed), 2);
        Ok(())
    }

    #[tokio::test]
    async fn a_package_with_another_hash_is_rejected() -> anyhow::Result<()> {
        let root = tempfile::tempdir()?;
        let file = requirements(root.path(), "0000000000000000")?;
        let error = Environment::ensure(root.path(), &file, &()).await.err().context("it was installed")?;
        let error = format!("{error:#}");
        assert!(error.starts_with("cannot install the packages of "), "{error}");
        assert!(error.contains("DO NOT MATCH THE HASHES"), "{error}");
        let folder = root.path().join("target/python").join(folder_name(&file, &fs::read(&file)?));
        assert!(!Environment { folder }.is_complete());
        Ok(())
    }

    #[tokio::test]
    async fn an_unusable_python_is_named() {
        let error = check_version("no-such-python", &()).await.map_err(|error| format!("{error:#}"));
        let advice = "install Python 3.10 or newer, or name one in the environment variable PYTHON";
        assert_eq!(error, Err(format!("{advice}: cannot run no-such-python: No such file or directory (os error 2)")));
    }

    #[test]
    fn another_pin_gives_another_environment() {
        let file = Path::new("local/requirements-dev.txt");
        let (one, two) = (folder_name(file, b"six==1.16.0"), folder_name(file, b"six==1.17.0"));
        assert_ne!(one, two);
        assert_eq!(folder_name(file, b""), "requirements-dev-e3b0c44298fc");
    }
}
