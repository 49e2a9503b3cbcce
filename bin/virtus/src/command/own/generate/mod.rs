//! What is made from the declarations for other programs: completion scripts and manual pages.

mod manual;
mod shells;

use crate::command::{Command, Opt};
use crate::grammar::Arguments;
use crate::persona::Persona;
use crate::shell::{Outcome, Shell, fail, out};

pub(super) static COMMAND: Command = Command {
    name: "generate",
    summary: "print a completion script or a manual page",
    about: "Prints a completion script for bash, zsh or fish, which serves all names of the program, or the manual \
            page of one of them.",
    options: &[
        Opt::text("what", "bash, zsh, fish or man")
            .required()
            .positional()
            .one_of(&["bash", "zsh", "fish", "man"]),
        Opt::text(
            "program",
            "the program whose manual page it is: virtus (if left out), virtus-admin, virsh or \
                              virt-admin",
        )
        .positional()
        .one_of(&["virtus", "virtus-admin", "virsh", "virt-admin"]),
    ],
    run,
    offline: true,
    hidden: true,
    only_virtus: true,
    ..Command::PLAIN
};

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let text = match arguments.needed("what")? {
        "bash" => shells::bash(),
        "zsh" => shells::zsh(),
        "fish" => shells::fish(),
        "man" => {
            let name = arguments.text("program")?.unwrap_or("virtus");
            let known = [Persona::Virtus, Persona::VirtusAdmin, Persona::Virsh, Persona::VirtAdmin];
            let Some(persona) = known.into_iter().find(|persona| persona.name() == name) else {
                fail!("there is no program '{name}'");
            };
            manual::page(persona)
        }
        other => fail!("cannot generate '{other}'"),
    };
    out!(shell, "{text}");
    Ok(())
}
