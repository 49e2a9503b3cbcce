//! Changes of the host's packet filter (nftables). A change is a script of nft(8) that the kernel takes as a whole
//! or not at all.

use std::fmt;

use serde_json::Value;
use virtus_base::{Error, ErrorDomain};

use crate::program::{Program, Runner, run_blocking};

/// How long nft may take before it is given up.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(30);

/// A script: one command or line of a block after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    text: String,
    /// The first line that could not be one.
    wrong: Option<String>,
}

impl Script {
    /// Adds a line. One with control characters would be more than it seems: the script is never run then.
    pub fn line(&mut self, line: fmt::Arguments<'_>) {
        let before = self.text.len();
        // writing to a string cannot fail
        let _ = fmt::Write::write_fmt(&mut self.text, line);
        let written = self.text.get(before..).unwrap_or_default();
        if written.chars().any(|c| c.is_control() && c != '\t') {
            self.wrong.get_or_insert_with(|| written.escape_default().to_string());
        }
        self.text.push('\n');
    }

    /// Adds the lines of another script.
    pub fn append(&mut self, other: &Script) {
        self.text.push_str(&other.text);
        if let Some(wrong) = &other.wrong {
            self.wrong.get_or_insert_with(|| wrong.clone());
        }
    }

    /// Whether it does nothing.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// What nft is given.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn program(&self) -> Result<Program, Error> {
        match &self.wrong {
            Some(line) => Err(Error::internal(
                ErrorDomain::FIREWALL,
                format!("firewall command with a control character: {line}"),
            )),
            None => Ok(nft().args(["-f", "-"]).stdin(self.text.as_bytes())),
        }
    }

    /// Has the kernel take the change; it waits for that.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` with what nft said. Nothing is changed then.
    pub fn apply(&self, runner: &dyn Runner) -> Result<(), Error> {
        if self.is_empty() {
            return Ok(());
        }
        let output = run_blocking(runner, &self.program()?)?;
        if output.status == Some(0) {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        tracing::debug!(target: "virtus_host", "nft refused:\n{}", self.text);
        Err(Error::internal(
            ErrorDomain::FIREWALL,
            format!("Failed to apply firewall command 'nft -f -': {}", said.trim_end()),
        ))
    }
}

/// Adds a line as `format!` makes it.
#[macro_export]
macro_rules! nft {
    ($script:expr, $($line:tt)*) => { $script.line(format_args!($($line)*)) };
}

fn nft() -> Program {
    Program::new("nft").timeout(LIMIT)
}

/// An interface's name as a script takes it.
///
/// # Errors
/// `INTERNAL_ERROR` for a name that no interface can have.
pub fn interface(name: &str) -> Result<String, Error> {
    let strange = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '"' | '\\' | '/' | '*');
    match name.is_empty() || name.len() > crate::net::MAX_NAME || name.contains(strange) {
        true => Err(Error::internal(
            ErrorDomain::FIREWALL,
            format!("'{}' cannot be an interface's name", name.escape_default()),
        )),
        false => Ok(format!("\"{name}\"")),
    }
}

/// What is in a table, as nft tells it in JSON: the members of its list `nftables`. `None` when there is no such
/// table.
///
/// # Errors
/// When nft cannot be run or says no JSON.
pub fn table(runner: &dyn Runner, family: &str, name: &str) -> Result<Option<Vec<Value>>, Error> {
    let output = run_blocking(runner, &nft().args(["-j", "list", "table", family, name]))?;
    if output.status != Some(0) {
        return Ok(None);
    }
    listed(&output.stdout).map(Some)
}

/// The tables there are: family and name.
///
/// # Errors
/// When nft cannot be run or says no JSON.
pub fn tables(runner: &dyn Runner) -> Result<Vec<(String, String)>, Error> {
    let program = nft().args(["-j", "list", "tables"]);
    let all = listed(&run_blocking(runner, &program)?.success(&program)?.stdout)?;
    let word = |table: &Value, name: &str| Some(table.get(name)?.as_str()?.to_owned());
    let table = |item: &Value| {
        let table = item.get("table")?;
        Some((word(table, "family")?, word(table, "name")?))
    };
    Ok(all.iter().filter_map(table).collect())
}

/// The chains of all tables that packets pass by themselves (base chains), as nft tells them in JSON.
///
/// # Errors
/// When nft cannot be run or says no JSON.
pub fn chains(runner: &dyn Runner) -> Result<Vec<Value>, Error> {
    let program = nft().args(["-j", "list", "chains"]);
    let all = listed(&run_blocking(runner, &program)?.success(&program)?.stdout)?;
    let chains = all.into_iter().filter_map(|mut item| item.get_mut("chain").map(Value::take));
    Ok(chains.filter(|chain| chain.get("hook").is_some()).collect())
}

fn listed(text: &[u8]) -> Result<Vec<Value>, Error> {
    let wrong = |e: &dyn fmt::Display| Error::internal(ErrorDomain::FIREWALL, format!("nft: {e}"));
    let mut answer: Value = serde_json::from_slice(text).map_err(|e| wrong(&e))?;
    match answer.get_mut("nftables").map(Value::take) {
        Some(Value::Array(all)) => Ok(all),
        _ => Err(wrong(&"its answer has no list")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{Output, Recorder};

    #[test]
    fn a_script_runs_as_one() {
        let mut script = Script::default();
        nft!(script, "add table inet {}", "t");
        nft!(script, "add chain inet t c");
        let recorder = Recorder::default();
        script.apply(&recorder).unwrap();
        let [ran] = &recorder.asked()[..] else { panic!("one program") };
        assert_eq!((ran.line().as_str(), ran.stdin.as_slice()), ("nft -f -", script.text().as_bytes()));
        Script::default().apply(&recorder).unwrap();
        assert_eq!(recorder.asked().len(), 1, "nothing is nothing to do");
    }

    #[test]
    fn what_would_be_more_than_a_line_is_never_run() {
        let recorder = Recorder::default();
        for wrong in ["a\nflush ruleset", "a\0", "a\r"] {
            let mut script = Script::default();
            nft!(script, "add table inet {wrong}");
            let mut whole = Script::default();
            whole.append(&script);
            assert!(whole.apply(&recorder).is_err());
        }
        assert!(recorder.asked().is_empty());
        for wrong in ["", "a b", "a\"", "sixteen-bytes-at", "*", "a/b", "a\n"] {
            assert!(interface(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(interface("virbr0").unwrap(), "\"virbr0\"");
    }

    #[test]
    fn refusals_and_lists_are_told() {
        let output = |status, stdout: &str, stderr: &str| Output {
            status: Some(status),
            stdout: stdout.into(),
            stderr: stderr.into(),
            ..Output::default()
        };
        let chains_text = r#"{"nftables":[{"metainfo":{}},{"chain":{"name":"a"}},{"chain":{"name":"b","hook":"forward"}}]}"#;
        let recorder = Recorder::new([
            output(1, "", "Error: no\n"),
            output(1, "", "Error: No such file or directory"),
            output(0, chains_text, ""),
            output(0, "x", ""),
        ]);
        let mut script = Script::default();
        nft!(script, "x");
        assert_eq!(
            script.apply(&recorder).unwrap_err().message(),
            "internal error: Failed to apply firewall command 'nft -f -': Error: no"
        );
        assert_eq!(table(&recorder, "inet", "t").unwrap(), None);
        let found = chains(&recorder).unwrap();
        assert_eq!(found.len(), 1);
        assert!(chains(&recorder).is_err());
    }
}
