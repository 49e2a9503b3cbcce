//! `echo`

use crate::command::{Command, Opt};
use crate::grammar::{Arguments, exclusive};
use crate::shell::{Outcome, Shell, out};
use crate::show::escape;

pub(in crate::command) static COMMAND: Command = Command {
    name: "echo",
    summary: "print the arguments, quoted if asked for",
    about: "Prints its arguments. This shows how a command line is understood, and puts quotes where another shell \
            or XML needs them.",
    options: &[
        Opt::flag("shell", "quote for a shell"),
        Opt::flag("xml", "quote for XML"),
        Opt::flag("split", "cut each argument at ','; ',,' is a comma"),
        Opt::flag("err", "print it as an error"),
        Opt::alias("str", "string"),
        Opt::alias("hi", "string=hello"),
        Opt::text("prefix", "what to print first"),
        Opt::many("string", "what to print").positional(),
    ],
    run,
    offline: true,
    ..Command::PLAIN
};

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let [as_shell, as_xml, split] = ["shell", "xml", "split"].map(|name| (name, arguments.has(name)));
    exclusive(as_shell, as_xml)?;
    exclusive(as_shell, split)?;
    exclusive(as_xml, split)?;
    let mut text = String::new();
    if let Ok(Some(prefix)) = arguments.text("prefix") {
        text = format!("{prefix} ");
    }
    for word in arguments.many("string") {
        if as_xml.1 {
            text.push_str(&escape::xml(word));
        } else if as_shell.1 {
            text.push_str(&escape::shell(word));
        } else if split.1 {
            text.extend(escape::split(word).iter().map(|part| format!("{part}\n")));
        } else {
            text.push_str(word);
        }
        text.push(' ');
    }
    let text = text.trim_end_matches(' ');
    match arguments.has("err") {
        true if !text.is_empty() => shell.error(text),
        true => {}
        false => out!(shell, "{text}"),
    }
    Ok(())
}
