//! Files of `name = value` lines (`libvirt.conf`) and of `[section]` lines (`auth.conf`).

use std::path::{Path, PathBuf};

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

/// A setting's value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Number(i64),
    Text(String),
    List(Vec<String>),
}

/// The settings of `libvirt.conf` or of a file like it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Config {
    settings: Vec<(String, Value)>,
}

impl Config {
    /// Reads the user's or, for root, the system's file; one that is not there sets nothing.
    ///
    /// # Errors
    /// `CONF_SYNTAX` when the file cannot be understood.
    pub(crate) fn load(name: &str) -> Result<Self> {
        let path = directory().join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => Config::parse(&text, &path),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Config::default()),
            Err(e) => {
                Err(Error::system(ErrorDomain::CONF, format!("Failed to open file '{}'", path.display()), &e))
            }
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Self> {
        let mut parser = Parser { rest: text, line: 1 };
        let mut settings = Vec::new();
        let failed = |line: usize, text: &str| {
            Error::new(
                ErrorDomain::CONF,
                ErrorCode::CONF_SYNTAX,
                format!("{}:{line}: {text}", path.display()),
            )
        };
        loop {
            parser.skip(true);
            if parser.rest.is_empty() {
                return Ok(Config { settings });
            }
            let setting = parser.setting().map_err(|text| failed(parser.line, text))?;
            settings.push(setting);
        }
    }

    fn find(&self, name: &str) -> Option<&Value> {
        self.settings.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// A setting that is a text.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` when it is something else.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>> {
        match self.find(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(Error::internal(
                ErrorDomain::CONF,
                format!("{name}: invalid type for config entry, expecting string"),
            )),
        }
    }

    /// The URI that the file has under this alias.
    ///
    /// # Errors
    /// `CONF_SYNTAX` for an entry that is no alias.
    pub(crate) fn alias(&self, name: &str) -> Result<Option<&str>> {
        let Some(Value::List(entries)) = self.find("uri_aliases") else { return Ok(None) };
        for entry in entries {
            let malformed = |what: &str| {
                let text = format!("Malformed 'uri_aliases' config entry '{entry}', {what}");
                Error::new(ErrorDomain::URI, ErrorCode::CONF_SYNTAX, text)
            };
            let Some((alias, uri)) = entry.split_once('=') else {
                return Err(malformed("expected 'alias=uri://host/path'"));
            };
            if !alias.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
                return Err(malformed("aliases may only contain 'a-Z, 0-9, _, -'"));
            }
            if alias == name {
                return Ok(Some(uri));
            }
        }
        Ok(None)
    }
}

struct Parser<'a> {
    rest: &'a str,
    line: usize,
}

impl Parser<'_> {
    /// Passes over blanks and, with `lines`, over ends of lines and comments.
    fn skip(&mut self, lines: bool) {
        loop {
            let trimmed = self.rest.trim_start_matches([' ', '\t', '\r']);
            self.rest = match trimmed.strip_prefix('\n') {
                Some(rest) if lines => {
                    self.line += 1;
                    rest
                }
                _ if trimmed.starts_with('#') && lines => {
                    trimmed.split_at(trimmed.find('\n').unwrap_or(trimmed.len())).1
                }
                _ => {
                    self.rest = trimmed;
                    return;
                }
            };
        }
    }

    fn setting(&mut self) -> Result<(String, Value), &'static str> {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | ':' | '+');
        let (name, rest) = self.rest.split_at(self.rest.find(|c| !good(c)).unwrap_or(self.rest.len()));
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Err("expecting a name");
        }
        self.rest = rest;
        self.skip(false);
        self.rest = self.rest.strip_prefix('=').ok_or("expecting an assignment")?;
        self.skip(false);
        let value = self.value()?;
        self.skip(false);
        match self.rest.starts_with(['\n', '#']) || self.rest.is_empty() {
            true => Ok((name.to_owned(), value)),
            false => Err("expecting a separator"),
        }
    }

    fn value(&mut self) -> Result<Value, &'static str> {
        match self.rest.chars().next() {
            Some('"' | '\'') => self.text().map(Value::Text),
            Some('[') => self.list().map(Value::List),
            Some(c) if c.is_ascii_digit() || c == '-' => {
                let end = self.rest.char_indices().skip(1).find(|(_, c)| !c.is_ascii_digit());
                let (digits, rest) = self.rest.split_at(end.map_or(self.rest.len(), |(at, _)| at));
                self.rest = rest;
                digits.parse().map(Value::Number).map_err(|_| "expecting a value")
            }
            _ => Err("expecting a value"),
        }
    }

    fn text(&mut self) -> Result<String, &'static str> {
        let quote = if self.rest.starts_with('"') { '"' } else { '\'' };
        let inside = self.rest.get(1..).unwrap_or_default();
        let (text, rest) = inside.split_once(quote).ok_or("unterminated string")?;
        if text.contains('\n') {
            return Err("unterminated string");
        }
        self.rest = rest;
        Ok(text.to_owned())
    }

    fn list(&mut self) -> Result<Vec<String>, &'static str> {
        let mut entries = Vec::new();
        self.rest = self.rest.strip_prefix('[').ok_or("expecting a value")?;
        loop {
            self.skip(true);
            if let Some(rest) = self.rest.strip_prefix(']') {
                self.rest = rest;
                return Ok(entries);
            }
            if !self.rest.starts_with(['"', '\'']) {
                return Err("list is not closed with ]");
            }
            entries.push(self.text()?);
            self.skip(true);
            if let Some(rest) = self.rest.strip_prefix(',') {
                self.rest = rest;
            } else if !self.rest.starts_with(']') {
                return Err("expecting a separator in list");
            }
        }
    }
}

/// The directory of the caller's configuration: the system's for root, else the user's own.
pub(crate) fn directory() -> PathBuf {
    match rustix::process::geteuid().is_root() {
        true => PathBuf::from("/etc/libvirt"),
        false => match std::env::var_os("XDG_CONFIG_HOME").filter(|dir| !dir.is_empty()) {
            Some(dir) => PathBuf::from(dir).join("libvirt"),
            None => home().join(".config/libvirt"),
        },
    }
}

/// The caller's home.
pub(crate) fn home() -> PathBuf {
    std::env::home_dir().unwrap_or_else(|| PathBuf::from("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config> {
        Config::parse(text, Path::new("f"))
    }

    #[test]
    fn aliases_and_defaults_are_found() {
        let text = "# a comment\nuri_aliases = [\n  \"hail=qemu+ssh://root@hail/system\",\n  'x-1=test:///default', # one\n]\n\
                    \nuri_default = \"qemu:///system\"\nremote_timeout = -1\n";
        let config = parse(text).unwrap();
        assert_eq!(config.alias("hail").unwrap(), Some("qemu+ssh://root@hail/system"));
        assert_eq!(config.alias("x-1").unwrap(), Some("test:///default"));
        assert_eq!(config.alias("other").unwrap(), None);
        assert_eq!(config.text("uri_default").unwrap(), Some("qemu:///system"));
        assert!(config.text("remote_timeout").is_err());
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, line) in
            [("a = \n", 1), ("\n\na 1", 3), ("a = \"x", 1), ("a = [\"x\" \"y\"]", 1), ("a = 1 2", 1)]
        {
            let error = parse(text).unwrap_err();
            assert_eq!(error.code(), ErrorCode::CONF_SYNTAX);
            assert!(error.message().contains(&format!("f:{line}: ")), "{error}");
        }
        let error = parse("uri_aliases = [\"a b=c\"]").unwrap().alias("x").unwrap_err();
        assert!(error.message().ends_with("aliases may only contain 'a-Z, 0-9, _, -'"));
        assert!(parse("uri_aliases = [\"nothing\"]").unwrap().alias("x").is_err());
    }
}
