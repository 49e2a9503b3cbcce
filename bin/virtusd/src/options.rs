//! The command line, by the rules of GNU `getopt_long`: abbreviations, `--name=value`, `-nvalue`.

/// What was asked for on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) daemon: bool,
    pub(crate) listen: bool,
    pub(crate) verbose: bool,
    pub(crate) config: Option<String>,
    pub(crate) pid_file: Option<String>,
    pub(crate) timeout: Option<u32>,
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Run(Options),
    Print(String),
}

struct Known {
    long: &'static str,
    short: char,
    value: Option<&'static str>,
    help: &'static str,
}

const KNOWN: &[Known] = &[
    Known { long: "help", short: 'h', value: None, help: "Display program help" },
    Known { long: "verbose", short: 'v', value: None, help: "Verbose messages" },
    Known { long: "daemon", short: 'd', value: None, help: "Run as a daemon & write PID file" },
    Known { long: "listen", short: 'l', value: None, help: "Listen for TCP/IP connections" },
    Known { long: "timeout", short: 't', value: Some("secs"), help: "Exit after timeout period" },
    Known { long: "config", short: 'f', value: Some("file"), help: "Configuration file" },
    Known { long: "pid-file", short: 'p', value: Some("file"), help: "Change name of PID file" },
    Known { long: "version", short: 'V', value: None, help: "Display version information" },
];

fn help() -> String {
    let mut text = String::from("Usage:\n  virtusd [options]\n\nOptions:\n");
    for known in KNOWN {
        let value = known.value.map(|v| format!(" <{v}>")).unwrap_or_default();
        let name = format!("-{} | --{}{value}", known.short, known.long);
        text.push_str(&format!("  {name:<26} {}\n", known.help));
    }
    text
}

/// Reads the arguments.
pub(crate) fn parse(args: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut options = Options::default();
    let mut args = args;
    while let Some(arg) = args.next() {
        let mut given: Vec<(&Known, Option<String>)> = Vec::new();
        if let Some(long) = arg.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let exact = KNOWN.iter().find(|k| k.long == name);
            let mut likely = KNOWN.iter().filter(|k| k.long.starts_with(name) && !name.is_empty());
            let known = match (exact, likely.next(), likely.next()) {
                (Some(known), ..) | (None, Some(known), None) => known,
                (None, Some(_), Some(_)) => return Err(format!("option '--{name}' is ambiguous")),
                (None, None, _) => return Err(format!("unrecognized option '--{name}'")),
            };
            if value.is_some() && known.value.is_none() {
                return Err(format!("option '--{}' doesn't allow an argument", known.long));
            }
            given.push((known, value));
        } else if let Some(letters) = arg.strip_prefix('-').filter(|l| !l.is_empty()) {
            let mut rest = letters.chars();
            while let Some(letter) = rest.next() {
                let known = KNOWN
                    .iter()
                    .find(|k| k.short == letter)
                    .ok_or_else(|| format!("invalid option -- '{letter}'"))?;
                match known.value {
                    Some(_) => {
                        let value = rest.as_str();
                        given.push((known, (!value.is_empty()).then(|| value.to_owned())));
                        break;
                    }
                    None => given.push((known, None)),
                }
            }
        } else {
            return Err(format!("unexpected argument '{arg}'"));
        }
        for (known, value) in given {
            let value = match (known.value, value) {
                (Some(_), None) => Some(
                    args.next().ok_or_else(|| format!("option '--{}' requires an argument", known.long))?,
                ),
                (_, value) => value,
            };
            match known.long {
                "help" => return Ok(Command::Print(help())),
                "version" => {
                    return Ok(Command::Print(format!("virtusd (Virtus) {}\n", env!("CARGO_PKG_VERSION"))));
                }
                "verbose" => options.verbose = true,
                "daemon" => options.daemon = true,
                "listen" => options.listen = true,
                "config" => options.config = value,
                "pid-file" => options.pid_file = value,
                _ => {
                    let value = value.unwrap_or_default();
                    let seconds = value.parse().ok().filter(|s: &u32| *s > 0);
                    options.timeout =
                        Some(seconds.ok_or_else(|| format!("Invalid value for timeout: {value}"))?);
                }
            }
        }
    }
    Ok(Command::Run(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(args: &[&str]) -> Result<Command, String> {
        parse(args.iter().map(|a| (*a).to_owned()))
    }

    #[test]
    fn options_are_read_as_getopt_reads_them() {
        let want = Options {
            verbose: true,
            daemon: true,
            config: Some("/c".into()),
            timeout: Some(5),
            ..Options::default()
        };
        for args in [&["-vd", "-f/c", "-t5"][..], &["--verb", "--daemon", "--config=/c", "--timeout", "5"]] {
            assert_eq!(run(args), Ok(Command::Run(want.clone())));
        }
        assert_eq!(run(&["--ver"]), Err("option '--ver' is ambiguous".into()));
        assert_eq!(run(&["--bogus"]), Err("unrecognized option '--bogus'".into()));
        assert_eq!(run(&["-x"]), Err("invalid option -- 'x'".into()));
        assert_eq!(run(&["-t", "0"]), Err("Invalid value for timeout: 0".into()));
        assert_eq!(run(&["-f"]), Err("option '--config' requires an argument".into()));
        assert!(matches!(run(&["--help"]), Ok(Command::Print(text)) if text.contains("--pid-file <file>")));
    }
}
