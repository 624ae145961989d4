//! How the program was called: the name that every hint, example and generated file uses.

use std::ffi::OsString;

use tollgate_report::program::spell;

/// The name by which the user called the program, and the binaries behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    /// What people type, such as `cargo tollgate`.
    pub name: &'static str,
    /// The executable behind the name, which a git hook searches for; absent when the repository
    /// itself builds it.
    pub binary: Option<&'static str>,
    /// A command that builds the hub next to this executable before it is started; empty where the
    /// hub is installed.
    pub hub_build: &'static [&'static str],
}

impl Program {
    /// The installed program.
    pub const TOLLGATE: Self = Self {
        name: "tollgate",
        binary: Some("tollgate"),
        hub_build: &[],
    };

    /// The installed program, called by cargo.
    pub const CARGO_TOLLGATE: Self = Self {
        name: "cargo tollgate",
        binary: Some("cargo-tollgate"),
        hub_build: &[],
    };

    /// How the program was called, and its arguments without that. `cargo-tollgate` passes
    /// `tollgate` first, as cargo does.
    #[must_use]
    pub fn of(mut args: Vec<OsString>) -> (Self, Vec<OsString>) {
        if args.get(1).is_some_and(|arg| arg == "tollgate") {
            args.remove(1);
            return (Self::CARGO_TOLLGATE, args);
        }
        (Self::TOLLGATE, args)
    }

    /// The same command with this name in its usage lines, and in the examples of all subcommands.
    #[must_use]
    pub fn name_in(self, command: clap::Command) -> clap::Command {
        let command = command.bin_name(self.name);
        self.spell_in(command)
    }

    fn spell_in(self, mut command: clap::Command) -> clap::Command {
        let spelled =
            |text: &clap::builder::StyledStr| spell(&text.to_string(), self.name).into_owned();
        if let Some(text) = command.get_after_help().map(spelled) {
            command = command.after_help(text);
        }
        command.mut_subcommands(|subcommand| self.spell_in(subcommand))
    }
}
