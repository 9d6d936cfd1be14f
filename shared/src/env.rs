//! Environment variables, read once at cold start, each with an error that says what to do.

use std::{env, str::FromStr};

/// Why a function cannot start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvError {
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
/// [`EnvError::Missing`].
pub fn required(name: &'static str) -> Result<String, EnvError> {
    env::var(name).ok().filter(|value| !value.is_empty()).ok_or(EnvError::Missing(name))
}

/// The value of a variable, or `default` where it is not set.
///
/// # Errors
/// [`EnvError::Invalid`] where it is set to something that is not a `T`.
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
