//! Configuration files as libvirt has them: lines of `name = value`, where a value is a number, a text or a list of
//! texts. A file's settings are declared once, with [`settings!`](crate::settings): from that come the struct, how it
//! is read, and the table of what there is.

use std::collections::BTreeMap;

use crate::{Error, ErrorCode, ErrorDomain, Result};

/// A setting's value as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Value {
    Number(i64),
    Text(String),
    List(Vec<String>),
}

/// A type that a setting can have.
pub trait Setting: Sized {
    /// What it is called in errors and tables.
    const KIND: &'static str;

    /// The value; `None` when it is of another type.
    fn of(value: Value) -> Option<Self>;

    /// Whether a value of the right type is none of this one's, which has an error of its own.
    fn out_of_range(_: &Value) -> Option<&'static str> {
        None
    }

    /// As it would stand in a file; nothing for one that is not set.
    fn show(&self) -> String;
}

macro_rules! setting {
    ($type:ty, $kind:literal, $pattern:pat => $value:expr, $self:ident => $shown:expr) => {
        impl Setting for $type {
            const KIND: &'static str = $kind;
            fn of(value: Value) -> Option<Self> {
                match value {
                    $pattern => $value,
                    _ => None,
                }
            }
            fn show(&self) -> String {
                let $self = self;
                $shown
            }
        }
    };
}

setting!(u32, "an unsigned integer", Value::Number(n) => n.try_into().ok(), it => it.to_string());
setting!(i32, "a signed integer", Value::Number(n) => n.try_into().ok(), it => it.to_string());
setting!(i64, "a signed integer", Value::Number(n) => Some(n), it => it.to_string());
setting!(String, "a string", Value::Text(text) => Some(text), it => format!("\"{it}\""));
setting!(Option<String>, "a string", Value::Text(text) => Some(Some(text)),
    it => it.as_ref().map(|text| format!("\"{text}\"")).unwrap_or_default());
setting!(Option<Vec<String>>, "a string list", Value::List(list) => Some(Some(list)),
    it => it.as_ref().map(|list| format!("{list:?}")).unwrap_or_default());

impl Setting for bool {
    const KIND: &'static str = "a bool";
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Number(n) => Some(n == 1),
            _ => None,
        }
    }
    fn out_of_range(value: &Value) -> Option<&'static str> {
        matches!(value, Value::Number(n) if !(0..=1).contains(n)).then_some("0 or 1")
    }
    fn show(&self) -> String {
        u8::from(*self).to_string()
    }
}

impl Setting for Option<bool> {
    const KIND: &'static str = bool::KIND;
    fn of(value: Value) -> Option<Self> {
        bool::of(value).map(Some)
    }
    fn out_of_range(value: &Value) -> Option<&'static str> {
        bool::out_of_range(value)
    }
    fn show(&self) -> String {
        self.map(|set| set.show()).unwrap_or_default()
    }
}

/// A list that may be written as one text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts(pub Option<Vec<String>>);

impl Setting for Texts {
    const KIND: &'static str = "a string or string list";
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(Texts(Some(vec![text]))),
            Value::List(list) => Some(Texts(Some(list))),
            Value::Number(_) => None,
        }
    }
    fn show(&self) -> String {
        self.0.show()
    }
}

/// One row of a file's table.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Row {
    pub name: &'static str,
    pub kind: &'static str,
    /// As it would stand in the file; empty when there is none.
    pub default: String,
    /// What it does, as its declaration says.
    pub effect: String,
}

/// What a file sets.
#[derive(Debug)]
pub struct Found<'a> {
    file: &'a str,
    values: BTreeMap<String, (Value, usize)>,
}

impl<'a> Found<'a> {
    /// Reads the text of `file`.
    ///
    /// # Errors
    /// `CONF_SYNTAX` with the line.
    pub fn read(file: &'a str, text: &str) -> Result<Found<'a>> {
        let mut parser = Parser { file, rest: text, line: 1 };
        let mut values = BTreeMap::new();
        while let Some((name, value)) = parser.entry()? {
            values.insert(name, value);
        }
        Ok(Found { file, values })
    }

    /// Takes out a setting.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` when its value is of another type.
    pub fn take<T: Setting>(&mut self, name: &str) -> Result<Option<T>> {
        let Some((value, _)) = self.values.remove(name) else { return Ok(None) };
        let wrong = |text: String| Error::new(ErrorDomain::CONF, ErrorCode::INTERNAL_ERROR, text);
        let file = self.file;
        if let Some(range) = T::out_of_range(&value) {
            return Err(wrong(format!("{file}: value for '{name}' parameter must be {range}")));
        }
        let read = T::of(value);
        read.map(Some).ok_or_else(|| wrong(format!("{file}: expected {} for '{name}' parameter", T::KIND)))
    }

    /// What nobody has taken, with its line.
    pub fn rest(self) -> Vec<(String, usize)> {
        self.values.into_iter().map(|(name, (_, line))| (name, line)).collect()
    }
}

/// Declares the settings of a file: their names, types, defaults, and in their documentation what they do.
#[macro_export]
macro_rules! settings {
    ($(#[$meta:meta])* pub struct $struct:ident {
        $($(#[doc = $doc:literal])* $name:ident: $type:ty = $default:expr,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $struct {
            $($(#[doc = $doc])* pub $name: $type,)*
            /// What the file sets and nobody knows, with its line.
            pub unknown: Vec<(String, usize)>,
        }

        impl Default for $struct {
            fn default() -> Self {
                $struct { $($name: $default,)* unknown: Vec::new() }
            }
        }

        impl $struct {
            /// Reads the text of `file`.
            ///
            /// # Errors
            /// `CONF_SYNTAX` with the line, `INTERNAL_ERROR` for a value of the wrong type.
            pub fn parse(file: &str, text: &str) -> $crate::Result<Self> {
                let mut found = $crate::settings::Found::read(file, text)?;
                let mut settings = <$struct>::default();
                $(if let Some(value) = found.take::<$type>(stringify!($name))? {
                    settings.$name = value;
                })*
                settings.unknown = found.rest();
                Ok(settings)
            }

            /// Every setting, in the order of the declaration.
            pub fn table() -> Vec<$crate::settings::Row> {
                use $crate::settings::Setting;
                let defaults = <$struct>::default();
                vec![$($crate::settings::Row {
                    name: stringify!($name),
                    kind: <$type as Setting>::KIND,
                    default: defaults.$name.show(),
                    effect: [$($doc),*].iter().map(|line: &&str| line.trim()).collect::<Vec<_>>().join(" "),
                },)*]
            }
        }
    };
}

struct Parser<'a> {
    file: &'a str,
    rest: &'a str,
    line: usize,
}

impl<'a> Parser<'a> {
    fn wrong<T>(&self, what: &str) -> Result<T> {
        Err(Error::new(
            ErrorDomain::CONF,
            ErrorCode::CONF_SYNTAX,
            format!("{}:{}: {what}", self.file, self.line),
        ))
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

    fn entry(&mut self) -> Result<Option<(String, (Value, usize))>> {
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

    fn value(&mut self) -> Result<Value> {
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

    fn text(&mut self) -> Result<String> {
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

    #[allow(unreachable_pub)]
    mod file {
        use crate::settings::Texts;

        crate::settings! {
            /// A file.
            pub struct File {
                /// How many.
                /// At most.
                most: u32 = 7,
                switch: bool = true,
                words: Texts = Texts::default(),
                list: Option<Vec<String>> = None,
                text: Option<String> = None,
            }
        }
    }
    use file::File;

    #[test]
    fn libvirts_own_syntax_is_understood() {
        let text = "# comment\nmost = 5 # more\n\nlist = [ \"a\",\n  'b' ]\nwords='1:qemu'\nother = 1\n";
        let file = File::parse("f", text).unwrap();
        assert_eq!((file.most, file.switch), (5, true));
        assert_eq!(file.words.0.unwrap(), ["1:qemu"]);
        assert_eq!(file.list.unwrap(), ["a", "b"]);
        assert_eq!(file.unknown, [("other".to_owned(), 7)]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (text, want) in [
            ("most 7", "configuration file syntax error: f:1: expecting an assignment"),
            ("\nmost = seven", "configuration file syntax error: f:2: expecting a value"),
            ("text = \"1:x\nmost = 1", "configuration file syntax error: f:1: unterminated string"),
            ("a = [ \"x\" \"y\" ]", "configuration file syntax error: f:1: list is not closed with ]"),
            ("= 3", "configuration file syntax error: f:1: expecting a name"),
            ("most = 7.5", "configuration file syntax error: f:1: expecting a separator"),
            ("most = \"7\"", "internal error: f: expected an unsigned integer for 'most' parameter"),
            ("most = -1", "internal error: f: expected an unsigned integer for 'most' parameter"),
            ("switch = 3", "internal error: f: value for 'switch' parameter must be 0 or 1"),
            ("switch = \"yes\"", "internal error: f: expected a bool for 'switch' parameter"),
            ("words = 1", "internal error: f: expected a string or string list for 'words' parameter"),
            ("list = \"a\"", "internal error: f: expected a string list for 'list' parameter"),
            ("text = 1", "internal error: f: expected a string for 'text' parameter"),
        ] {
            assert_eq!(File::parse("f", text).unwrap_err().to_string(), want);
        }
    }

    #[test]
    fn the_table_says_what_is_declared() {
        let rows = File::table();
        assert_eq!((rows[0].name, rows[0].default.as_str()), ("most", "7"));
        assert_eq!(rows[0].effect, "How many. At most.");
        assert_eq!((rows[1].kind, rows[2].default.as_str()), ("a bool", ""));
    }
}
