//! Reads objects of S3, and saves them as files. Files are written atomically: complete or not at all.

use std::{
    fs::{self, Permissions},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use aws_sdk_s3::Client;
use shared::{S3Uri, payload::SIMULATED_METADATA};

use super::sdk_error;

pub struct Object {
    pub content: Vec<u8>,
    /// Whether its metadata marks its prices as simulated.
    pub simulated: bool,
}

/// Downloads an object, in its newest version unless one is named, into `folder`, under the last part of its key.
///
/// # Errors
/// When the object cannot be read, or the folder or file not written.
pub async fn fetch(client: &Client, uri: &S3Uri, version: Option<&str>, folder: &Path) -> anyhow::Result<PathBuf> {
    let object = get(client, uri, version).await?;
    write_atomic(&object.content, &folder.join(uri.file_name()))
}

/// Reads an object, in its newest version unless one is named.
///
/// # Errors
/// When it cannot be read.
pub async fn get(client: &Client, uri: &S3Uri, version: Option<&str>) -> anyhow::Result<Object> {
    let call = client.get_object().bucket(&uri.bucket).key(&uri.key).set_version_id(version.map(str::to_owned));
    let object = call.send().await.map_err(|error| sdk_error::describe("s3:GetObject", &error))?;
    let simulated =
        object.metadata().and_then(|metadata| metadata.get(SIMULATED_METADATA)).is_some_and(|it| it == "true");
    let body = object.body.collect().await.with_context(|| format!("{uri} could not be read to its end"))?;
    Ok(Object { content: body.to_vec(), simulated })
}

/// Writes a temporary file and renames it to `path`; creates the folders of `path`.
///
/// # Errors
/// When the folder or file cannot be written.
pub fn write_atomic(bytes: &[u8], path: &Path) -> anyhow::Result<PathBuf> {
    let write = || {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        // 0666 less the umask, as for any other file; a temporary file is private by default.
        let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.persist(path).map_err(|error| error.error)
    };
    write().with_context(|| format!("could not write {}", path.display()))?;
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_replaces_an_older_one_and_leaves_nothing_else() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("results/2026-11-20/hourly_extremes.csv");
        for text in ["old", "new"] {
            assert_eq!(write_atomic(text.as_bytes(), &path)?, path);
            assert_eq!(fs::read_to_string(&path)?, text);
        }
        assert_eq!(fs::read_dir(folder.path().join("results/2026-11-20"))?.count(), 1);
        assert!(write_atomic(b"", &path.join("below-a-file")).is_err());
        Ok(())
    }
}
