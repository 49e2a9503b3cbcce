//! `cd` and `pwd`.

use crate::command::{Command, Opt};
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell, fail, out};

pub(in crate::command) static CD: Command = Command {
    name: "cd",
    summary: "go to another directory",
    about: "Goes to a directory, from which relative paths of later commands count: without one to the user's home.",
    options: &[Opt::text("dir", "the directory (the home directory if it is left out)").positional().file()],
    run: cd,
    offline: true,
    ..Command::PLAIN
};

fn cd(_: &mut Shell, arguments: &Arguments) -> Outcome {
    let home = std::env::var("HOME").ok();
    let directory = arguments.some_text("dir").or(home.as_deref()).unwrap_or("/");
    match std::env::set_current_dir(directory) {
        Ok(()) => Ok(()),
        Err(error) => fail!("cd: {}: {directory}", os_text(&error)),
    }
}

/// What the operating system says, without the number that Rust adds.
pub(crate) fn os_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) => text.get(..end).unwrap_or_default().to_owned(),
        None => text,
    }
}

pub(in crate::command) static PWD: Command =
    Command { name: "pwd", summary: "tell the current directory", run: pwd, offline: true, ..Command::PLAIN };

fn pwd(shell: &mut Shell, _: &Arguments) -> Outcome {
    let directory = std::env::current_dir().unwrap_or_default();
    out!(shell, "{}\n", directory.display());
    Ok(())
}
