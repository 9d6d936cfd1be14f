//! Paths: the workspace root, and the folders of its local clouds (that of `finstream local`, and that of a demo).

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::Context;
use local::LocalCloud;

/// Names another folder for the local cloud than `.local-cloud`, so that several can be up.
pub const HOME_VARIABLE: &str = "FINSTREAM_LOCAL_HOME";

/// The folder of the package from which this program was built: `cargo install --locked --path cli` leaves it where it is.
const BUILT_FROM: &str = env!("CARGO_MANIFEST_DIR");

/// The workspace root: the folder that holds the template and the state machine, at or above the current folder,
/// otherwise above this program (`target/release/finstream`), otherwise that from which it was built.
///
/// A local cloud needs the whole of it: it builds the functions from their sources, and deploys the template. On AWS, which
/// has all that already, nothing of it is needed.
///
/// # Errors
/// When there is none.
pub fn root() -> anyhow::Result<PathBuf> {
    let starts = [env::current_dir().ok(), env::current_exe().ok(), Some(PathBuf::from(BUILT_FROM))];
    starts.iter().flatten().find_map(|start| above(start)).with_context(|| {
        format!(
            "finstream's source tree is neither here nor any more at {BUILT_FROM}, from which this program was built: a local \
             cloud builds and deploys it, so run this in the source tree, or install it from there again (cargo install \
             --locked --path cli)"
        )
    })
}

fn above(start: &Path) -> Option<PathBuf> {
    let is_root =
        |folder: &&Path| ["template.yaml", "statemachine", "Cargo.toml"].iter().all(|name| folder.join(name).exists());
    start.ancestors().find(is_root).map(Path::to_owned)
}

/// The home of the cloud that `finstream local` brings up and takes down: not below `target`, so that `cargo clean` leaves what it
/// holds. Where a variable names it, no source tree is needed.
///
/// # Errors
/// When nothing names it, and there is no source tree.
pub fn local_home() -> anyhow::Result<PathBuf> {
    let named = env::var_os(HOME_VARIABLE).filter(|home| !home.is_empty()).map(PathBuf::from);
    named.map_or_else(|| Ok(root()?.join(".local-cloud")), Ok)
}

/// The home of the cloud that `finstream demo` brings up.
pub fn demo_home(root: &Path) -> PathBuf {
    root.join("target/demo")
}

/// The local cloud of `finstream local`, if it is up. Where nothing says what its home is there is none; a demo's does not count.
pub fn cloud_up() -> Option<LocalCloud> {
    LocalCloud::find(&local_home().ok()?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_root_is_found_from_below_it() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let below = folder.path().join("target/release");
        fs::create_dir_all(&below)?;
        fs::create_dir(folder.path().join("statemachine"))?;
        fs::write(folder.path().join("Cargo.toml"), "")?;
        assert_eq!(above(&below), None);
        fs::write(folder.path().join("template.yaml"), "")?;
        assert_eq!(above(&below).as_deref(), Some(folder.path()));
        Ok(())
    }
}
