//! Environment variables, read once at cold start, each with an error that says what to do.

use std::{env, str::FromStr};

/// Why a function cannot start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvError {
    /// A variable that must be set is unset or empty.
    #[error(
        "the environment variable {0} is not set: template.yaml sets it, and the function's README says what it holds"
    )]
    Missing(&'static str),
    /// A variable has a value that cannot be used.
    #[error("the environment variable {name} holds {value:?}: {problem}")]
    Invalid {
        /// The variable's name.
        name: &'static str,
        /// The value that it is set to.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// The value of a variable that must be set and not empty.
///
/// # Errors
/// [`EnvError::Missing`].
pub fn required(name: &'static str) -> Result<String, EnvError> {
    optional(name).ok_or(EnvError::Missing(name))
}

/// The value of a variable that may be left out; none where it is unset or empty.
pub fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The value of a variable, or `default` where it is unset or empty.
///
/// # Errors
/// [`EnvError::Invalid`] where the value is not a `T`.
pub fn or_default<T>(name: &'static str, default: T) -> Result<T, EnvError>
where
    T: FromStr<Err: std::fmt::Display>,
{
    match env::var(name) {
        Ok(value) if !value.is_empty() => {
            value.parse().map_err(|problem: T::Err| EnvError::Invalid { name, value, problem: problem.to_string() })
        }
        _ => Ok(default),
    }
}
