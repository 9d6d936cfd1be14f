//! Fetches the files of a run from S3. A file is there whole or not at all: it is written under another name first.

use std::{
    fs::{self, Permissions},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use aws_sdk_s3::Client;
use url::Url;

use super::sdk_error::describe;

/// Downloads a version of the object at `s3://bucket/key`, or its newest, into `folder`, under the last part of its key.
///
/// # Errors
/// When the object cannot be read, or the folder or file not written.
pub async fn fetch(client: &Client, location: &str, version: Option<&str>, folder: &Path) -> anyhow::Result<PathBuf> {
    let content = get(client, location, version).await?;
    write_atomic(&content, &folder.join(location.rsplit('/').next().unwrap_or(location)))
}

/// The content of a version of the object at `s3://bucket/key`, or of its newest.
///
/// # Errors
/// When it cannot be read.
pub async fn get(client: &Client, location: &str, version: Option<&str>) -> anyhow::Result<Vec<u8>> {
    let (bucket, key) =
        parts(location).with_context(|| format!("{location:?} is not the location of an object in S3"))?;
    let call = client.get_object().bucket(&bucket).key(&key).set_version_id(version.map(str::to_owned));
    let object = call.send().await.map_err(|e| describe("s3:GetObject", &e))?;
    let body = object.body.collect().await.with_context(|| format!("{location} broke off"))?;
    Ok(body.to_vec())
}

fn parts(location: &str) -> Option<(String, String)> {
    let url = Url::parse(location).ok().filter(|url| url.scheme() == "s3")?;
    let key = location.splitn(4, '/').nth(3).filter(|key| !key.is_empty() && !key.ends_with('/'))?;
    Some((url.host_str()?.to_owned(), key.to_owned()))
}

/// Writes a file, and the folders it is in.
///
/// # Errors
/// When the folder or file cannot be written.
pub fn write_atomic(bytes: &[u8], path: &Path) -> anyhow::Result<PathBuf> {
    let write = || {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        // 0666 less the umask, as for any other file; a temporary file is private unless told.
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
    fn a_location_has_a_bucket_and_a_key() {
        let found = |bucket: &str, key: &str| Some((bucket.to_owned(), key.to_owned()));
        for (location, expected) in [
            (
                "s3://data/exports/trade_date=2026-11-20/report.html",
                found("data", "exports/trade_date=2026-11-20/report.html"),
            ),
            ("s3://data/a.csv", found("data", "a.csv")),
            ("s3://data/", None),
            ("s3://data", None),
            ("s3://data/folder/", None),
            ("https://data/a.csv", None),
            ("a.csv", None),
        ] {
            assert_eq!(parts(location), expected, "{location}");
        }
    }

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
