//! `libvirtd.conf`: lines of `name = value`, where a value is a number, a text or a list of texts.

use std::collections::BTreeMap;
use std::path::Path;

/// A setting's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Number(i64),
    Text(String),
    List(Vec<String>),
}

/// A value with the line it stands in.
type Placed = (Value, usize);

/// What is wrong with the file, with its place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConfigError(String);

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "configuration file syntax error: {}", self.0)
    }
}

impl std::error::Error for ConfigError {}

macro_rules! settings {
    ($($(#[$meta:meta])* $name:ident: $type:ty = $default:expr,)*) => {
        /// The settings the daemon knows, with libvirt's names and defaults.
        #[derive(Clone, Debug)]
        pub(crate) struct Config {
            $($(#[$meta])* pub(crate) $name: $type,)*
        }

        impl Default for Config {
            fn default() -> Self {
                Config { $($name: $default,)* }
            }
        }

        impl Config {
            fn fill(file: &str, mut found: BTreeMap<String, Placed>) -> Result<Self, ConfigError> {
                let mut config = Config::default();
                $(if let Some((value, line)) = found.remove(stringify!($name)) {
                    config.$name = Setting::of(value).ok_or_else(|| {
                        ConfigError(format!(
                            "{file}:{line}: invalid type for config entry '{}', expecting {}",
                            stringify!($name), <$type as Setting>::WANTED))
                    })?;
                })*
                config.unknown = found.into_iter().map(|(name, (_, line))| (name, line)).collect();
                Ok(config)
            }
        }
    };
}

settings! {
    unix_sock_group: Option<String> = None,
    unix_sock_ro_perms: String = "0777".into(),
    unix_sock_rw_perms: Option<String> = None,
    unix_sock_admin_perms: String = "0700".into(),
    unix_sock_dir: Option<String> = None,
    auth_unix_ro: Option<String> = None,
    auth_unix_rw: Option<String> = None,
    max_clients: u32 = 5000,
    max_queued_clients: u32 = 1000,
    max_anonymous_clients: u32 = 20,
    min_workers: u32 = 5,
    max_workers: u32 = 20,
    prio_workers: u32 = 5,
    /// Nothing here has to wait for a worker, so this only bounds what one client can pile up.
    max_client_requests: u32 = 1024,
    /// Seconds a call waits for another one's change of the same domain to end.
    job_wait: u32 = 30,
    admin_min_workers: u32 = 1,
    admin_max_workers: u32 = 5,
    admin_max_clients: u32 = 5,
    admin_max_queued_clients: u32 = 5,
    admin_max_client_requests: u32 = 5,
    log_level: u32 = 0,
    log_filters: Option<String> = None,
    log_outputs: Option<String> = None,
    /// `text` as libvirt writes it, or `json`.
    log_format: String = "text".into(),
    host_uuid: Option<String> = None,
    host_uuid_source: Option<String> = None,
    keepalive_interval: i64 = 5,
    keepalive_count: u32 = 5,
    admin_keepalive_interval: i64 = 5,
    admin_keepalive_count: u32 = 5,
    /// What the file sets and nobody knows, with its line.
    unknown: Vec<(String, usize)> = Vec::new(),
}

trait Setting: Sized {
    const WANTED: &'static str;
    fn of(value: Value) -> Option<Self>;
}

impl Setting for u32 {
    const WANTED: &'static str = "unsigned";
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Number(n) => n.try_into().ok(),
            _ => None,
        }
    }
}

impl Setting for i64 {
    const WANTED: &'static str = "signed";
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Number(n) => Some(n),
            _ => None,
        }
    }
}

impl Setting for String {
    const WANTED: &'static str = "string";
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl Setting for Option<String> {
    const WANTED: &'static str = "string";
    fn of(value: Value) -> Option<Self> {
        String::of(value).map(Some)
    }
}

impl Setting for Vec<(String, usize)> {
    const WANTED: &'static str = "nothing";
    fn of(_: Value) -> Option<Self> {
        None
    }
}

impl Config {
    /// Reads the file; one that is not there sets nothing.
    pub(crate) fn load(path: &Path) -> std::io::Result<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&path.display().to_string(), &text).map_err(std::io::Error::other),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Config::default()),
            Err(e) => Err(std::io::Error::new(e.kind(), format!("cannot read {}: {e}", path.display()))),
        }
    }

    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        let mut parser = Parser { file, rest: text, line: 1 };
        let mut found = BTreeMap::new();
        while let Some((name, value)) = parser.entry()? {
            found.insert(name, value);
        }
        Self::fill(file, found)
    }
}

struct Parser<'a> {
    file: &'a str,
    rest: &'a str,
    line: usize,
}

impl<'a> Parser<'a> {
    fn wrong<T>(&self, what: &str) -> Result<T, ConfigError> {
        Err(ConfigError(format!("{}:{}: {what}", self.file, self.line)))
    }

    fn eat(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                if c == '\n' {
                    self.line += 1;
                }
                true
            }
            None => false,
        }
    }

    fn take(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !accept(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn blanks(&mut self) {
        self.take(|c| matches!(c, ' ' | '\t' | '\r'));
    }

    /// Blanks, ends of lines and comments.
    fn space(&mut self) {
        loop {
            self.blanks();
            if self.rest.starts_with('#') {
                self.take(|c| c != '\n');
            } else if !self.eat('\n') {
                return;
            }
        }
    }

    fn entry(&mut self) -> Result<Option<(String, Placed)>, ConfigError> {
        self.space();
        if self.rest.is_empty() {
            return Ok(None);
        }
        let name = self.take(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return self.wrong("expecting a name");
        }
        self.blanks();
        if !self.eat('=') {
            return self.wrong("expecting an assignment");
        }
        self.blanks();
        let line = self.line;
        let value = self.value()?;
        self.blanks();
        if self.rest.starts_with('#') {
            self.take(|c| c != '\n');
        }
        if !self.rest.is_empty() && !self.eat('\n') {
            return self.wrong("expecting a separator");
        }
        Ok(Some((name.to_owned(), (value, line))))
    }

    fn value(&mut self) -> Result<Value, ConfigError> {
        if self.rest.starts_with(['"', '\'']) {
            return self.text().map(Value::Text);
        }
        if self.eat('[') {
            let mut list = Vec::new();
            loop {
                self.space();
                if self.eat(']') {
                    return Ok(Value::List(list));
                }
                list.push(self.text()?);
                self.space();
                if !self.eat(',') && !self.rest.starts_with(']') {
                    return self.wrong("list is not closed with ]");
                }
            }
        }
        let digits = self.take(|c| c.is_ascii_digit() || c == '-');
        match digits.parse() {
            Ok(number) => Ok(Value::Number(number)),
            Err(_) => self.wrong("expecting a value"),
        }
    }

    fn text(&mut self) -> Result<String, ConfigError> {
        let Some(quote) = self.rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            return self.wrong("expecting a string");
        };
        self.eat(quote);
        if quote == '"' && self.rest.starts_with("\"\"") {
            self.rest = self.rest.get(2..).unwrap_or_default();
            let Some((text, rest)) = self.rest.split_once("\"\"\"") else {
                return self.wrong("unterminated string");
            };
            self.rest = rest;
            self.line += text.matches('\n').count();
            return Ok(text.to_owned());
        }
        let text = self.take(|c| c != quote && c != '\n');
        match self.eat(quote) {
            true => Ok(text.to_owned()),
            false => self.wrong("unterminated string"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libvirts_own_file_is_understood() {
        let text = "# comment\nmax_clients = 7 # more\n\nunix_sock_group = \"libvirt\"\nlog_filters='1:qemu'\n\
                    access_drivers = [ \"polkit\",\n  \"x\" ]\n";
        let config = Config::parse("f", text).unwrap();
        assert_eq!((config.max_clients, config.unix_sock_group.as_deref()), (7, Some("libvirt")));
        assert_eq!(config.log_filters.as_deref(), Some("1:qemu"));
        assert_eq!(config.unknown, [("access_drivers".to_owned(), 6)]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, want) in [
            ("max_clients 7", "f:1: expecting an assignment"),
            ("\nmax_clients = seven", "f:2: expecting a value"),
            ("log_filters = \"1:x\nmax_clients = 1", "f:1: unterminated string"),
            ("max_clients = \"7\"", "f:1: invalid type for config entry 'max_clients', expecting unsigned"),
            ("a = [ \"x\" \"y\" ]", "f:1: list is not closed with ]"),
            ("= 3", "f:1: expecting a name"),
        ] {
            let error = Config::parse("f", text).unwrap_err();
            assert_eq!(error.to_string(), format!("configuration file syntax error: {want}"));
        }
    }
}
