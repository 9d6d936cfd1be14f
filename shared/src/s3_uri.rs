//! The address of an object in S3.

use std::{fmt, str::FromStr};

use serde_with::{DeserializeFromStr, SerializeDisplay};

/// The address of one object, written `s3://bucket/key`; neither part is empty, and the key does not end in a slash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, SerializeDisplay, DeserializeFromStr)]
pub struct S3Uri {
    /// The bucket's name.
    pub bucket: String,
    /// The object's key, without a slash at its start.
    pub key: String,
}

/// Why a text is not the address of an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the address of an object in S3: use s3://bucket/key")]
pub struct InvalidS3Uri(String);

impl S3Uri {
    /// The address of the object `key` in `bucket`.
    pub fn new(bucket: impl Into<String>, key: impl Into<String>) -> Self {
        Self { bucket: bucket.into(), key: key.into() }
    }

    /// The last part of the key, such as `report.html`.
    pub fn file_name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or(&self.key)
    }
}

impl FromStr for S3Uri {
    type Err = InvalidS3Uri;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix("s3://")
            .and_then(|rest| rest.split_once('/'))
            .filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty() && !key.ends_with('/'))
            .map(|(bucket, key)| Self::new(bucket, key))
            .ok_or_else(|| InvalidS3Uri(text.to_owned()))
    }
}

impl fmt::Display for S3Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_bucket_and_a_key() {
        for (text, bucket, key, file_name) in [
            (
                "s3://data/exports/trade_date=2026-11-20/report.html",
                "data",
                "exports/trade_date=2026-11-20/report.html",
                "report.html",
            ),
            ("s3://data/a.csv", "data", "a.csv", "a.csv"),
        ] {
            let uri: Option<S3Uri> = text.parse().ok();
            assert_eq!(uri, Some(S3Uri::new(bucket, key)));
            assert_eq!(uri.as_ref().map(S3Uri::file_name), Some(file_name));
            assert_eq!(uri.map(|uri| uri.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_not_the_address_of_an_object_is_rejected() {
        for text in [
            "",
            "bucket/key",
            "a.csv",
            "s3://",
            "s3://bucket",
            "s3://bucket/",
            "s3://bucket/folder/",
            "s3:///key",
            "https://bucket/key",
        ] {
            let error = text.parse::<S3Uri>().err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.ends_with("use s3://bucket/key"), "{text:?}: {error}");
        }
    }
}
