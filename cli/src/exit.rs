//! How a command ends: the exit codes, on which scripts rely. `docs/scripts.md` lists them.

use std::process::ExitCode;

use crate::{args::BadRequest, interrupt::Interrupted};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// What was requested is done, and nothing is missing.
    Done,
    /// It failed, and standard error says why.
    Failed,
    /// The arguments are invalid, or cannot be met: nothing was started.
    Usage,
    /// It is done as far as possible, and bars are missing: symbols have none, or have gaps.
    Incomplete,
    /// Nothing traded: a weekend, a holiday, or a range of days without a session that has ended.
    NoSession,
    /// Ctrl-C or SIGTERM ended it.
    Interrupted,
}

impl Exit {
    /// The code, as a shell shows it in `$?`.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2, // the same as clap's
            Self::Incomplete => 3,
            Self::NoSession => 4,
            Self::Interrupted => 130, // 128 + SIGINT, as shells report it
        }
    }

    /// How a command ends with this error.
    pub fn of_error(error: &anyhow::Error) -> Self {
        if error.is::<BadRequest>() {
            Self::Usage
        } else if error.is::<Interrupted>() {
            Self::Interrupted
        } else {
            Self::Failed
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_the_documentation() {
        let documented = include_str!("../../docs/scripts.md");
        for exit in [Exit::Done, Exit::Failed, Exit::Usage, Exit::Incomplete, Exit::NoSession, Exit::Interrupted] {
            assert!(documented.contains(&format!("| {} | ", exit.code())), "{exit:?}");
        }
    }

    #[test]
    fn an_error_has_its_code_also_below_a_context() {
        for (error, exit) in [
            (anyhow::Error::new(BadRequest("no".to_owned())), Exit::Usage),
            (anyhow::Error::new(Interrupted), Exit::Interrupted),
            (anyhow::anyhow!("no"), Exit::Failed),
        ] {
            assert_eq!(Exit::of_error(&error.context("more")), exit);
        }
    }
}
