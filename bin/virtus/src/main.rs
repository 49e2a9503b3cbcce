//! The command line of Virtus. Called `virsh` it is libvirt's virsh: its commands, options, output, errors and exit
//! codes. Called `virtus` it has more of each.
//!
//! `globals` reads the options of the program, `grammar` the commands, and has how they are declared; `command` has what
//! they do; `shell` is what they work with; `run` carries them out, `interactive` as they are typed; `show` is how
//! things look. A module knows those below it only, which a test in `layers` sees to.

mod command;
mod complete;
mod console;
#[cfg(test)]
mod coverage;
mod domain;
mod edit;
mod events;
mod file;
mod globals;
mod grammar;
mod help;
mod interactive;
mod job;
#[cfg(test)]
mod layers;
mod limit;
mod objects;
mod persona;
mod run;
mod shell;
mod show;
mod state;
mod time;
mod typing;
mod version;
mod xml;

use std::process::ExitCode;

use command::catalogue;
use globals::Start;
use grammar::Tokens;
use persona::Persona;
use shell::Shell;

fn main() -> ExitCode {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let called = words.next().unwrap_or_default();
    let program = called.rsplit('/').next().unwrap_or_default().to_owned();
    let words: Vec<String> = words.collect();
    let mut shell = Shell::new(Persona::of(&program), program);
    let well = start(&mut shell, words);
    shell.disconnect();
    shell.flush();
    match well {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Does what the words say; tells whether that went well.
fn start(shell: &mut Shell, words: Vec<String>) -> bool {
    let commands = match globals::read(shell, &words) {
        // `virtus admin` has options and commands of its own
        Ok(Start::Commands(words))
            if shell.persona == Persona::Virtus && words.first().is_some_and(|word| word == "admin") =>
        {
            shell.become_admin();
            return start(shell, words.into_iter().skip(1).collect());
        }
        Ok(Start::Commands(words)) => words,
        Ok(Start::Help) => {
            help::usage(shell, catalogue(shell.persona));
            return true;
        }
        Ok(Start::Version { long }) => {
            version::show(shell, long);
            return true;
        }
        Err(complaint) => {
            shell.error(complaint);
            return false;
        }
    };
    shell.interactive = commands.is_empty();
    let parsed = match commands.as_slice() {
        [] => Some(Vec::new()),
        [line] => run::parse(shell, catalogue(shell.persona), Tokens::line(line)),
        words => run::parse(shell, catalogue(shell.persona), Tokens::words(words)),
    };
    let Some(parsed) = parsed else { return false };
    if let Err(complaint) = globals::environment(shell) {
        shell.error(complaint);
        return false;
    }
    // what is named must be there; the default is looked for when a command needs it
    if shell.uri.is_some()
        && let Err(failure) = shell.connect(None, false, false)
    {
        shell.report(&failure);
        return false;
    }
    if shell.uri.is_none() && !shell.persona.is_admin() {
        shell.uri = shell.persona.environment("DEFAULT_CONNECT_URI");
    }
    match shell.interactive {
        false => run::run(shell, &parsed),
        true => interactive::interact(shell, catalogue(shell.persona)),
    }
}
