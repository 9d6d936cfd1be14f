//! The key of Alpaca in the local cloud's Secrets Manager, where the operator of a stack on AWS puts it by hand.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// The name of the secret: the default of the template's parameter `AlpacaSecret`.
pub const ALPACA_SECRET: &str = "finstream/alpaca";

/// A key of Alpaca, in the form in which its secret holds it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlpacaKey {
    /// What the header `APCA-API-KEY-ID` has.
    #[serde(rename = "key_id")]
    pub id: String,
    /// What the header `APCA-API-SECRET-KEY` has.
    #[serde(rename = "secret_key")]
    pub secret: String,
}

/// Shows neither part.
impl fmt::Debug for AlpacaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AlpacaKey(..)")
    }
}

/// A file that only this user may read, and that is removed when this value is dropped: the arguments of a program can be
/// read by every user.
pub(super) struct SecretFile(PathBuf);

impl SecretFile {
    /// Writes the key to a new file in `folder`.
    pub(super) fn write(folder: &Path, key: &AlpacaKey) -> anyhow::Result<Self> {
        let path = folder.join("alpaca.json");
        let write = || -> anyhow::Result<()> {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            Ok(file.write_all(&serde_json::to_vec(key)?)?)
        };
        write().with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self(path))
    }

    /// The file as the AWS CLI takes it in place of a value.
    pub(super) fn argument(&self) -> String {
        format!("file://{}", self.0.display())
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_shown_to_nobody_and_its_file_does_not_stay() -> anyhow::Result<()> {
        let key = AlpacaKey { id: "hush-id".to_owned(), secret: "hush".to_owned() };
        assert_eq!(format!("{key:?}"), "AlpacaKey(..)");
        let folder = tempfile::tempdir()?;
        let file = SecretFile::write(folder.path(), &key)?;
        let path = folder.path().join("alpaca.json");
        assert_eq!(file.argument(), format!("file://{}", path.display()));
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&path)?, r#"{"key_id":"hush-id","secret_key":"hush"}"#);
        drop(file);
        assert!(!path.exists());
        Ok(())
    }
}
