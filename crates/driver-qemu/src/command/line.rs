//! A QEMU command line as it grows.

use super::props::Props;

/// A program with its arguments and environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    pub program: String,
    pub args: Vec<String>,
    /// The whole environment.
    pub env: Vec<(String, String)>,
}

impl CommandLine {
    /// Adds an option without a value.
    pub fn flag(&mut self, name: &str) {
        self.args.push(format!("-{name}"));
    }

    /// Adds an option with its value.
    pub fn option(&mut self, name: &str, value: impl Into<String>) {
        self.flag(name);
        self.args.push(value.into());
    }

    /// Adds an option whose value is a JSON object.
    pub fn json(&mut self, name: &str, props: &Props) {
        self.option(name, props.to_string());
    }

    /// The line as libvirt prints it: for a shell, on one line.
    pub fn shell(&self) -> String {
        let mut words: Vec<String> =
            self.env.iter().map(|(name, value)| format!("{name}={}", quoted(value, false))).collect();
        words.push(quoted(&self.program, true));
        words.extend(self.args.iter().map(|arg| quoted(arg, true)));
        words.join(" ")
    }
}

/// A word for the shell; in single quotes when a character of it means something there.
fn quoted(word: &str, empty_too: bool) -> String {
    let special = |c: char| " \t\r\n!\"#$&'()*;<>?[\\]^`{|}~".contains(c);
    match word.contains(special) || (empty_too && word.is_empty()) {
        true => format!("'{}'", word.replace('\'', "'\\''")),
        false => word.to_owned(),
    }
}

/// A value with the commas doubled that would end it.
pub(crate) fn escape(value: &str) -> String {
    value.replace(',', ",,")
}
