//! `finstream completions`: prints a script with which a shell completes this command.

use clap_complete::Shell;

use crate::{exit::Exit, invocation, output::console::print};

/// # Errors
/// When standard output cannot be written.
pub fn completions(shell: Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut invocation::command(), "finstream", &mut script);
    print(String::from_utf8(script)?.trim_end())?;
    Ok(Exit::Done)
}
