//! How this program was started: by `cargo finstream`, from the source tree, or as `finstream`, where it is installed.
//!
//! Help and messages are written for the source tree; an installed program shows the commands without `cargo`.

use std::{borrow::Cow, env};

use clap::{Command, CommandFactory};

use crate::args::Cli;

const IN_SOURCE_TREE: &str = "cargo finstream";
const INSTALLED: &str = "finstream";

/// Whether cargo started it.
/// <https://doc.rust-lang.org/cargo/reference/environment-variables.html>
fn by_cargo() -> bool {
    env::var_os("CARGO").is_some()
}

/// A message, with its commands as they are typed here.
pub fn as_typed(text: &str) -> Cow<'_, str> {
    if by_cargo() { Cow::Borrowed(text) } else { installed(text) }
}

/// The definition of the command, with the commands in its help as they are typed here.
pub fn command() -> Command {
    if by_cargo() { Cli::command() } else { installed_command(Cli::command()).bin_name(INSTALLED) }
}

fn installed(text: &str) -> Cow<'_, str> {
    if text.contains(IN_SOURCE_TREE) {
        Cow::Owned(text.replace(IN_SOURCE_TREE, INSTALLED))
    } else {
        Cow::Borrowed(text)
    }
}

fn installed_command(command: Command) -> Command {
    let command = match command.get_after_help().map(ToString::to_string) {
        Some(help) => command.after_help(installed(&help).into_owned()),
        None => command,
    };
    command.mut_subcommands(installed_command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installed_program_names_itself_without_cargo() {
        assert_eq!(installed("next: cargo finstream run, not cargo build"), "next: finstream run, not cargo build");
        let mut command = installed_command(Cli::command()).bin_name(INSTALLED);
        command.build();
        let helps = command.get_subcommands_mut().map(|command| command.render_long_help().to_string());
        for help in helps.collect::<Vec<_>>().into_iter().chain([command.render_long_help().to_string()]) {
            assert!(help.contains("Usage: finstream ") && !help.contains(IN_SOURCE_TREE), "{help}");
        }
    }
}
