//! The name of a list of companies.

use std::{ops::Deref, str::FromStr};

use serde_with::{DeserializeFromStr, SerializeDisplay};

use crate::S3Uri;

/// The name of a list of companies: 1 to 64 of the characters `a-z 0-9 -`, beginning with a letter, such as `companies`.
///
/// It is part of the keys of the list's file and of its exports, so it holds no character with a meaning there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, SerializeDisplay, DeserializeFromStr)]
pub struct ListName(String);

/// Why a text is not the name of a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a list: use 1 to 64 of the characters a-z 0-9 -, beginning with a letter")]
pub struct InvalidListName(String);

impl ListName {
    /// Where the list's file is in the data bucket.
    pub fn uri(&self, bucket: &str) -> S3Uri {
        S3Uri::new(bucket, format!("{FOLDER}{self}.toml"))
    }

    /// The list whose file is at a key of the data bucket.
    pub fn of_key(key: &str) -> Option<Self> {
        key.strip_prefix(FOLDER)?.strip_suffix(".toml")?.parse().ok()
    }
}

/// The prefix of the keys of all lists.
pub const FOLDER: &str = "lists/";

impl Default for ListName {
    /// The list that a run takes which names none, and no symbols.
    fn default() -> Self {
        Self("companies".to_owned())
    }
}

impl FromStr for ListName {
    type Err = InvalidListName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        if begins && text.len() <= 64 && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidListName(text.to_owned()))
        }
    }
}

impl std::fmt::Display for ListName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl Deref for ListName {
    type Target = str;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_lists_are_keys() {
        for (text, is_name) in [
            ("companies", true),
            ("sp-500", true),
            ("a", true),
            ("", false),
            ("500", false),
            ("-a", false),
            ("Tech", false),
            ("a/b", false),
            ("a.b", false),
            ("ä", false),
            (&"a".repeat(64), true),
            (&"a".repeat(65), false),
        ] {
            assert_eq!(text.parse::<ListName>().is_ok(), is_name, "{text}");
        }
        let name = ListName::default();
        assert_eq!(name.uri("lake").to_string(), "s3://lake/lists/companies.toml");
        for (key, name) in [
            ("lists/sp-500.toml", Some("sp-500")),
            ("lists/Tech.toml", None),
            ("lists/a.csv", None),
            ("exports/a.toml", None),
        ] {
            assert_eq!(ListName::of_key(key).as_deref(), name, "{key}");
        }
    }
}
