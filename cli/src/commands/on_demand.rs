//! The subcommands that `cargo demo` and `cargo finstream` leave out of the command that they build, each a feature of the
//! package: cargo builds a command that has it, and runs that in place of this process, with the same arguments.

use std::{convert::Infallible, env, ffi::OsString, os::unix::process::CommandExt, path::Path, process::Command};

use anyhow::{Context, Error};

use crate::{output::console::Verbosity, workspace};

/// Runs the subcommand of that feature. Does not return unless cargo cannot be started.
///
/// # Errors
/// When the source tree is not there, or cargo is not.
#[cfg_attr(
    all(feature = "doctor", feature = "export", feature = "live"),
    expect(dead_code, reason = "then this module is there for its test only")
)]
pub fn run(feature: &str, verbosity: Verbosity) -> anyhow::Result<Infallible> {
    let mut command = command(&workspace::root()?, feature, verbosity, env::args_os().skip(1));
    let error = Error::from(command.exec());
    Err(error)
        .with_context(|| format!("cannot run cargo, which builds the part of finstream for its subcommand {feature}"))
}

fn command(root: &Path, feature: &str, verbosity: Verbosity, args: impl Iterator<Item = OsString>) -> Command {
    let mut command = local::cargo();
    command.args(["run", "--release", "--package", "finstream", "--no-default-features", "--features", feature]);
    command.arg("--manifest-path").arg(root.join("Cargo.toml"));
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
    fn the_same_arguments_are_given_to_a_command_with_the_feature() {
        let run = "run --release --package finstream --no-default-features --features";
        for (feature, verbosity, args, expected) in [
            ("doctor", Verbosity::Normal, "doctor --on aws", "doctor --manifest-path /w/Cargo.toml -- doctor --on aws"),
            ("export", Verbosity::Quiet, "export -q", "export --manifest-path /w/Cargo.toml --quiet -- export -q"),
            ("live", Verbosity::Normal, "live --json", "live --manifest-path /w/Cargo.toml -- live --json"),
        ] {
            let command = command(Path::new("/w"), feature, verbosity, args.split(' ').map(OsString::from));
            let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
            assert_eq!(args.join(" "), format!("{run} {expected}"));
        }
    }
}
