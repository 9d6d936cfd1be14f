//! Writes files atomically: another process sees a file complete, in its old or its new content, or not at all.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;

/// Writes a temporary file and renames it to `path`; creates the folders of `path`.
///
/// # Errors
/// When the folder or file cannot be written.
pub fn write_atomic(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let write = || {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        // 0666 less the umask, as for any other file; a temporary file is private by default.
        let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(folder)?;
        file.write_all(content)?;
        file.persist(path).map_err(|error| error.error).map(drop)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_replaces_an_older_one_and_leaves_nothing_else() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("results/2026-11-20/hourly_extremes.csv");
        for text in ["old", "new"] {
            write_atomic(&path, text.as_bytes())?;
            assert_eq!(fs::read_to_string(&path)?, text);
        }
        assert_eq!(fs::read_dir(folder.path().join("results/2026-11-20"))?.count(), 1);
        assert!(write_atomic(&path.join("below-a-file"), b"").is_err());
        Ok(())
    }
}
