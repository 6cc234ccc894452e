//! `completions SHELL`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::failure::Outcome;

pub(super) fn run(shell: Shell) -> Outcome {
    clap_complete::generate(shell, &mut super::Cli::command(), "kafka-lab", &mut std::io::stdout());
    Ok(())
}
