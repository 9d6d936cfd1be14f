//! A folder for what the command downloads.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// An empty temporary folder for the option `--out`, deleted when it is dropped.
#[derive(Debug)]
pub struct OutFolder(tempfile::TempDir);

impl OutFolder {
    /// Creates the folder.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create() -> anyhow::Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    /// The value of `--out`.
    pub fn arg(&self) -> String {
        self.0.path().to_string_lossy().into_owned()
    }

    /// The path of a file or a folder in it.
    pub fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(path)
    }

    /// The text of a file in it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, path: impl AsRef<Path>) -> anyhow::Result<String> {
        let path = self.join(path);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }
}
