//! Settings come from environment variables, read once at start-up, each with a clear complaint.

use std::{env, str::FromStr};

/// Why a function cannot start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// A variable that must be set is not.
    #[error(
        "the environment variable {0} is not set: template.yaml sets it, and the function's README says what it holds"
    )]
    Missing(&'static str),
    /// A variable has a value that cannot be used.
    #[error("the environment variable {name} holds {value:?}: {problem}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// The value of a variable that must be set, and not to nothing.
///
/// # Errors
/// [`SettingError::Missing`].
pub fn required(name: &'static str) -> Result<String, SettingError> {
    env::var(name).ok().filter(|value| !value.is_empty()).ok_or(SettingError::Missing(name))
}

/// The value of a variable, or `default` where it is not set.
///
/// # Errors
/// [`SettingError::Invalid`] where it is set to something that is not a `T`.
pub fn or_default<T>(name: &'static str, default: T) -> Result<T, SettingError>
where
    T: FromStr<Err: std::fmt::Display>,
{
    match env::var(name) {
        Ok(value) if !value.is_empty() => {
            value.parse().map_err(|problem: T::Err| SettingError::Invalid { name, value, problem: problem.to_string() })
        }
        _ => Ok(default),
    }
}
