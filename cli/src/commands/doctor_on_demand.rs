//! `finstream doctor` of a command that was built without it, as `cargo demo` and `cargo finstream` build theirs: cargo builds
//! one that has it, and runs that in place of this process, with the same arguments.

use std::{convert::Infallible, env, ffi::OsString, os::unix::process::CommandExt, path::Path, process::Command};

use anyhow::Error;

use crate::{output::console::Verbosity, workspace};

/// Does not return unless cargo cannot be started.
///
/// # Errors
/// When the source tree is not there, or cargo is not.
#[cfg_attr(feature = "doctor", expect(dead_code, reason = "then this module is there for its test only"))]
pub fn doctor(verbosity: Verbosity) -> anyhow::Result<Infallible> {
    let mut command = command(&workspace::root()?, verbosity, env::args_os().skip(1));
    let error = Error::from(command.exec());
    Err(error.context("cannot run cargo, which builds the part of finstream that checks a stack"))
}

fn command(root: &Path, verbosity: Verbosity, args: impl Iterator<Item = OsString>) -> Command {
    let mut command = local::cargo();
    command.args(["run", "--release", "--package", "finstream", "--manifest-path"]).arg(root.join("Cargo.toml"));
    if verbosity == Verbosity::Quiet {
        command.arg("--quiet");
    }
    command.arg("--").args(args);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_arguments_are_given_to_a_command_with_all_features() {
        for (verbosity, expected) in [
            (Verbosity::Normal, "run --release --package finstream --manifest-path /w/Cargo.toml -- doctor --on aws"),
            (
                Verbosity::Quiet,
                "run --release --package finstream --manifest-path /w/Cargo.toml --quiet -- doctor --on aws",
            ),
        ] {
            let args = ["doctor", "--on", "aws"].map(OsString::from).into_iter();
            let command = command(Path::new("/w"), verbosity, args);
            let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
            assert_eq!(args.join(" "), expected);
        }
    }
}
