//! Where the workspace is, and which local clouds it has: the one that `finstream local` keeps, and a demo's.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::Context;
use local::LocalCloud;

/// The homes of local clouds below the workspace root.
const HOMES: [&str; 2] = ["target/local-cloud", "target/demo"];

/// The workspace root: the folder that holds the template and the state machine, here or above, otherwise above
/// this program (`target/release/finstream`).
///
/// # Errors
/// When there is none.
pub fn root() -> anyhow::Result<PathBuf> {
    let starts = [env::current_dir(), env::current_exe()];
    starts.iter().flatten().find_map(|start| above(start)).context(
        "this is not finstream's workspace: a local cloud deploys its template.yaml, so run this in the folder that holds it",
    )
}

fn above(start: &Path) -> Option<PathBuf> {
    let is_root =
        |folder: &&Path| ["template.yaml", "statemachine", "Cargo.toml"].iter().all(|name| folder.join(name).exists());
    start.ancestors().find(is_root).map(Path::to_owned)
}

/// The home of the cloud that `finstream local` keeps.
pub fn local_home(root: &Path) -> PathBuf {
    root.join(HOMES[0])
}

/// The home of the cloud that `finstream demo` brings up.
pub fn demo_home(root: &Path) -> PathBuf {
    root.join(HOMES[1])
}

/// The local clouds that are up, a demo's last; none outside the workspace.
pub fn clouds_up() -> Vec<LocalCloud> {
    let Ok(root) = root() else { return Vec::new() };
    HOMES.iter().filter_map(|home| LocalCloud::find(&root.join(home))).collect()
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
