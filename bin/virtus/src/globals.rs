//! The options before the command, read as GNU's getopt_long reads them: long names may be cut short, values
//! follow or are attached.

use std::time::Duration;

use crate::grammar::{Number, c_number};
use crate::persona::Persona;
use crate::shell::{Level, Log, Shell};

/// What a program is to do.
pub(crate) enum Start {
    /// Carry out what these words say, or ask for commands when there are none.
    Commands(Vec<String>),
    Help,
    Version {
        long: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
    MaybeValue,
}

/// Which names of the program have an option.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    All,
    /// Not those that administrate daemons.
    Virsh,
    /// Those that have more than libvirt's.
    Extended,
}

/// An option of the program.
pub(crate) struct Global {
    /// What the option is, and its short form.
    letter: char,
    pub(crate) long: &'static str,
    takes: Takes,
    scope: Scope,
    /// What its value is.
    value: &'static str,
    pub(crate) help: &'static str,
}

impl Global {
    const fn new(letter: char, long: &'static str, value: &'static str, help: &'static str) -> Global {
        let takes = if value.is_empty() { Takes::Nothing } else { Takes::Value };
        Global { letter, long, takes, scope: Scope::All, value, help }
    }

    const fn of(mut self, scope: Scope) -> Global {
        self.scope = scope;
        self
    }

    /// The names by which it can be given: `-c` and `--connect`.
    pub(crate) fn names(&self) -> Vec<String> {
        let short = (self.letter != TIMEOUT).then(|| format!("-{}", self.letter));
        short.into_iter().chain([format!("--{}", self.long)]).collect()
    }

    pub(crate) fn needs_value(&self) -> bool {
        self.takes == Takes::Value
    }

    /// The option as help shows it: `-c | --connect=URI`.
    pub(crate) fn label(&self) -> String {
        let short = if self.letter == TIMEOUT { "    ".to_owned() } else { format!("-{} |", self.letter) };
        match (self.takes, self.value) {
            (Takes::Nothing, _) => format!("{short} --{}", self.long),
            (Takes::Value, value) => format!("{short} --{}={value}", self.long),
            (Takes::MaybeValue, value) => format!("{short} --{}[={value}]", self.long),
        }
    }
}

/// Stands for `--timeout`, which has no short form.
const TIMEOUT: char = 'T';

const GLOBALS: &[Global] = &[
    Global::new('c', "connect", "URI", "the daemon to connect to"),
    Global::new('d', "debug", "NUM", "how much to tell, from 0 (all) to 4"),
    Global::new('e', "escape", "CHAR", "what ends a console: a character, or ^ and one").of(Scope::Virsh),
    Global::new('h', "help", "", "this text"),
    Global::new('k', "keepalive-interval", "NUM", "seconds between signs of life, 0 for none")
        .of(Scope::Virsh),
    Global::new('K', "keepalive-count", "NUM", "how many signs of life may be missing").of(Scope::Virsh),
    Global::new('l', "log", "FILE", "write a log"),
    Global::new('q', "quiet", "", "print less"),
    Global::new('r', "readonly", "", "connect for looking only").of(Scope::Virsh),
    Global::new('t', "timing", "", "print how long commands take").of(Scope::Virsh),
    Global {
        takes: Takes::MaybeValue,
        ..Global::new('v', "version", "TYPE", "the version, short (also -v) or long (also -V)")
    },
    Global::new(TIMEOUT, "timeout", "SECONDS", "give a command up that takes longer").of(Scope::Extended),
];

/// The options that the program has under one of its names.
pub(crate) fn of(persona: Persona) -> impl Iterator<Item = &'static Global> + Clone {
    GLOBALS.iter().filter(move |option| match option.scope {
        Scope::All => true,
        Scope::Virsh => !persona.is_admin(),
        Scope::Extended => persona.is_extended(),
    })
}

/// Reads the options into `shell`.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn read(shell: &mut Shell, words: &[String]) -> Result<Start, String> {
    let persona = shell.persona;
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let mut next_word = || {
            at += 1;
            words.get(at).cloned()
        };
        if word == "--" {
            at += 1;
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, attached) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let Some(option) = long_option(name, persona) else {
                return Err(format!("unsupported option '{word}'. See --help."));
            };
            let value = match option.takes {
                Takes::Nothing if attached.is_some() => {
                    return Err(format!("unsupported option '-{}'. See --help.", option.letter));
                }
                Takes::Value => match attached.or_else(&mut next_word) {
                    None => return Err(needs_argument(option)),
                    value => value,
                },
                _ => attached,
            };
            if let Some(start) = apply(shell, option.letter, value, Some(option.long))? {
                return Ok(start);
            }
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            for (place, letter) in letters.char_indices() {
                let name = if letter == 'V' { 'v' } else { letter };
                let Some(option) = of(persona).find(|o| o.letter == name && letter != TIMEOUT) else {
                    return Err(format!("unsupported option '-{letter}'. See --help."));
                };
                let attached = letters.get(place + 1..).filter(|rest| !rest.is_empty());
                let value = match option.takes {
                    Takes::Value => match attached.map(str::to_owned).or_else(&mut next_word) {
                        None => return Err(needs_argument(option)),
                        value => value,
                    },
                    _ => None,
                };
                let ends = value.is_some();
                if let Some(start) = apply(shell, letter, value, None)? {
                    return Ok(start);
                }
                if ends {
                    break;
                }
            }
        } else {
            break;
        }
        at += 1;
    }
    Ok(Start::Commands(words.get(at..).unwrap_or_default().to_vec()))
}

/// The option of this name, or the only one that begins so.
fn long_option(name: &str, persona: Persona) -> Option<&'static Global> {
    let mut all = of(persona);
    if let Some(option) = all.clone().find(|option| option.long == name) {
        return Some(option);
    }
    let mut similar = all.by_ref().filter(|option| option.long.starts_with(name));
    similar.next().filter(|_| similar.next().is_none())
}

fn needs_argument(option: &Global) -> String {
    match option.letter {
        TIMEOUT => "option '--timeout' requires an argument".to_owned(),
        letter => format!("option '-{letter}'/'--{}' requires an argument", option.long),
    }
}

fn apply(
    shell: &mut Shell,
    letter: char,
    value: Option<String>,
    long: Option<&str>,
) -> Result<Option<Start>, String> {
    let called = long.map_or_else(|| format!("-{letter}"), |long| format!("--{long}"));
    let text = value.clone().unwrap_or_default();
    match letter {
        'c' => shell.uri = Some(text),
        'd' => match i32::read(&text) {
            None => return Err(format!("option {called} takes a numeric argument")),
            Some(0) => shell.debug = Level::Debug,
            Some(1) => shell.debug = Level::Info,
            Some(2..=4) => shell.debug = Level::Error,
            Some(level) => shell.error(format_args!("ignoring debug level {level} out of range [0-4]")),
        },
        'e' => {
            let characters: Vec<char> = text.chars().collect();
            shell.escape = match characters.as_slice() {
                ['^', 'a'..='z' | '@'..='_'] => text,
                [c] if *c != '^' && c.is_ascii() => text,
                _ => return Err(format!("Invalid string '{text}' for escape sequence")),
            };
        }
        'h' => return Ok(Some(Start::Help)),
        'k' | 'K' => {
            let seconds = c_number(&text).ok_or_else(|| format!("Invalid value for option {called}"))?;
            let seconds = u32::try_from(seconds)
                .map_err(|_| format!("option {called} requires a positive integer argument"))?;
            match letter {
                'k' => shell.keepalive_interval = Some(seconds),
                _ => shell.keepalive_count = Some(seconds),
            }
        }
        'l' => {
            shell.log = Some(open_log(&text, &shell.program)?);
        }
        'q' => shell.quiet = true,
        'r' => shell.read_only = true,
        't' => shell.timing = true,
        TIMEOUT => {
            let seconds = text.parse::<f64>().ok().filter(|s| *s > 0.0 && *s < 1e9);
            let seconds = seconds.ok_or_else(|| "option --timeout takes a number of seconds".to_owned())?;
            shell.limit = Some(Duration::from_secs_f64(seconds));
        }
        _ => {
            let long = letter == 'V' || value.as_deref() == Some("long");
            return Ok(Some(Start::Version { long }));
        }
    }
    Ok(None)
}

fn open_log(path: &str, program: &str) -> Result<Log, String> {
    Log::open(path, program).map_err(|_| "failed to open the log file. check the log file path".to_owned())
}

/// What the environment says where the options do not.
///
/// # Errors
/// The log cannot be opened.
pub(crate) fn environment(shell: &mut Shell) -> Result<(), String> {
    if shell.debug == Level::Error
        && let Some(text) = shell.persona.environment("DEBUG")
    {
        match i32::read(&text) {
            Some(0) => shell.debug = Level::Debug,
            Some(1) => shell.debug = Level::Info,
            Some(2..=4) => {}
            _ => {
                let name = shell.persona.prefix();
                shell.error(format_args!("{name}_DEBUG not set with a valid numeric value"));
            }
        }
    }
    if shell.log.is_none()
        && let Some(path) = shell.persona.environment("LOG_FILE")
    {
        shell.log = Some(open_log(&path, &shell.program)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(persona: Persona, words: &[&str]) -> (Shell, Result<Start, String>) {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let mut shell = Shell::new(persona, "test".to_owned());
        let start = read(&mut shell, &words);
        (shell, start)
    }

    fn wrong(words: &[&str]) -> String {
        start(Persona::Virsh, words).1.err().unwrap_or_default()
    }

    #[test]
    fn options_are_getopts() {
        let (shell, start) = start(Persona::Virsh, &["-qrc", "test:///default", "--key", "list", "--all"]);
        assert!(start.is_err(), "--key could be two options");
        assert!(shell.quiet && shell.read_only);
        assert_eq!(shell.uri.as_deref(), Some("test:///default"));
    }

    #[test]
    fn options_end_at_the_command() {
        let (shell, start) =
            start(Persona::Virsh, &["-cqemu:///x", "-e^A", "--keepalive-i=0x10", "-K7", "list", "-q"]);
        assert!(matches!(start, Ok(Start::Commands(words)) if words == ["list", "-q"]));
        assert_eq!(shell.uri.as_deref(), Some("qemu:///x"));
        assert_eq!((shell.keepalive_interval, shell.keepalive_count), (Some(16), Some(7)));
        assert!(!shell.quiet);
    }

    #[test]
    fn complaints_are_virshs() {
        assert_eq!(wrong(&["--bogus"]), "unsupported option '--bogus'. See --help.");
        assert_eq!(wrong(&["-x"]), "unsupported option '-x'. See --help.");
        assert_eq!(wrong(&["--quiet=1"]), "unsupported option '-q'. See --help.");
        assert_eq!(wrong(&["-c"]), "option '-c'/'--connect' requires an argument");
        assert_eq!(wrong(&["-k", "x"]), "Invalid value for option -k");
        assert_eq!(wrong(&["-K", "-1"]), "option -K requires a positive integer argument");
        assert_eq!(wrong(&["--debug=x"]), "option --debug takes a numeric argument");
        assert_eq!(wrong(&["-e", "ab"]), "Invalid string 'ab' for escape sequence");
        assert_eq!(wrong(&["--timeout=5"]), "unsupported option '--timeout=5'. See --help.");
    }

    #[test]
    fn virtus_has_a_limit() {
        let (shell, start) = start(Persona::Virtus, &["--timeout", "1.5"]);
        assert!(matches!(start, Ok(Start::Commands(words)) if words.is_empty()));
        assert_eq!(shell.limit, Some(Duration::from_millis(1500)));
    }
}
