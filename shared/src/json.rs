//! Parsing JSON input into a type, with errors that name the field that is wrong.

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use serde_json::Value;

/// Why JSON is not of the expected type.
#[derive(Debug, thiserror::Error)]
#[error("{}{problem}", self.prefix())]
pub struct InvalidJson {
    /// The path of the field, such as `symbols[3]`; none where the document as a whole is wrong.
    pub field: Option<String>,
    /// What is wrong with it, from the parser or the field's own type.
    pub problem: serde_json::Error,
}

impl InvalidJson {
    fn prefix(&self) -> String {
        self.field.as_ref().map(|field| format!("{field}: ")).unwrap_or_default()
    }
}

/// Parses a value, which must be an object: serde would also accept a list of the fields in their order.
///
/// # Errors
/// The first field that is wrong.
pub fn value<T: DeserializeOwned>(value: Value) -> Result<T, InvalidJson> {
    if value.is_object() { read(value) } else { Err(not_an_object(&value.to_string())) }
}

/// Parses the text of an object.
///
/// # Errors
/// The first field that is wrong, or where the text stops being JSON.
pub fn text<T: DeserializeOwned>(text: &str) -> Result<T, InvalidJson> {
    if !text.trim_start().starts_with('{') {
        return Err(not_an_object(text));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = read(&mut reader)?;
    reader.end().map_err(|problem| InvalidJson { field: None, problem })?;
    Ok(read)
}

fn not_an_object(text: &str) -> InvalidJson {
    let start: String = text.chars().take(40).collect();
    let problem = serde_json::Error::custom(format!("expected a JSON object, such as {{}}, and got {start:?}"));
    InvalidJson { field: None, problem }
}

fn read<'de, T, D>(source: D) -> Result<T, InvalidJson>
where
    T: Deserialize<'de>,
    D: Deserializer<'de, Error = serde_json::Error>,
{
    serde_path_to_error::deserialize(source).map_err(|error| {
        let field = Some(error.path().to_string()).filter(|path| !matches!(path.as_str(), "." | "?"));
        InvalidJson { field, problem: error.into_inner() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::RunRequest;

    #[test]
    fn an_error_names_the_field() {
        for (json, field, problem) in [
            (r#"{"symbols":["META","../x"]}"#, Some("symbols[1]"), "\"../x\" is not a symbol"),
            (r#"{"symbols":[]}"#, Some("symbols"), "the list of symbols is empty"),
            (r#"{"trade_date":7}"#, Some("trade_date"), "invalid type: integer"),
            (r#"{"date":"2026-11-20"}"#, Some("date"), "unknown field `date`"),
            (r#"{"interval":"5m""#, None, "EOF while parsing an object"),
            (r#"{} {}"#, None, "trailing characters"),
            ("7", None, "expected a JSON object, such as {}, and got \"7\""),
            ("[]", None, "expected a JSON object"),
            (r#"["2026-11-20"]"#, None, "expected a JSON object"),
            (r#"{"interval":"5m","interval":"1m"}"#, None, "duplicate field `interval`"),
        ] {
            let error = text::<RunRequest>(json).err();
            let (said, named) = (error.as_ref().map(ToString::to_string), error.and_then(|error| error.field));
            assert_eq!(named.as_deref(), field, "{json}");
            assert!(said.as_ref().is_some_and(|said| said.contains(problem)), "{json}: {said:?}");
        }
    }
}
