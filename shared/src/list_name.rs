//! The name of a list of companies.

use std::{ops::Deref, path::Path, str::FromStr};

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

/// What a list's file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListFormat {
    /// `lists/NAME.toml`.
    Toml,
    /// `lists/NAME.csv`.
    Csv,
}

impl ListFormat {
    /// Both, of which a list has one.
    pub const ALL: [Self; 2] = [Self::Toml, Self::Csv];

    /// How the names of its files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Toml => "toml",
            Self::Csv => "csv",
        }
    }

    /// The media type of its files.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Toml => "application/toml",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    /// That of a file on this machine: CSV where its name says so, and TOML otherwise.
    pub fn of_path(path: &Path) -> Self {
        let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        if is_csv { Self::Csv } else { Self::Toml }
    }

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Toml => Self::Csv,
            Self::Csv => Self::Toml,
        }
    }
}

impl ListName {
    /// Where the list's file is in the data bucket, if it is of this format.
    pub fn uri(&self, bucket: &str, format: ListFormat) -> S3Uri {
        S3Uri::new(bucket, format!("{FOLDER}{self}.{}", format.extension()))
    }

    /// The list whose file is at a key of the data bucket, and its format.
    pub fn of_key(key: &str) -> Option<(Self, ListFormat)> {
        let (name, extension) = key.strip_prefix(FOLDER)?.rsplit_once('.')?;
        let format = ListFormat::ALL.into_iter().find(|format| format.extension() == extension)?;
        Some((name.parse().ok()?, format))
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
        assert_eq!(name.uri("lake", ListFormat::Toml).to_string(), "s3://lake/lists/companies.toml");
        for (key, list) in [
            ("lists/sp-500.toml", Some(("sp-500", ListFormat::Toml))),
            ("lists/nasdaq.csv", Some(("nasdaq", ListFormat::Csv))),
            ("lists/Tech.toml", None),
            ("lists/a.json", None),
            ("lists/a", None),
            ("exports/a.toml", None),
        ] {
            let found = ListName::of_key(key);
            assert_eq!(found.as_ref().map(|(name, format)| (&**name, *format)), list, "{key}");
            let again = found.map(|(name, format)| name.uri("lake", format).key);
            assert!(again.is_none_or(|again| again == key), "{key}");
        }
        for (path, format) in [
            ("a.csv", ListFormat::Csv),
            ("/x/A.CSV", ListFormat::Csv),
            ("a.toml", ListFormat::Toml),
            ("a", ListFormat::Toml),
        ] {
            assert_eq!(ListFormat::of_path(Path::new(path)), format, "{path}");
            assert_eq!(format.other().other(), format);
        }
    }
}
