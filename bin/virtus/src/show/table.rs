//! Lists: as virsh's tables, and, for programs, as JSON or YAML with the same columns.

use std::fmt::Write;

use serde_json::{Map, Value};
use unicode_width::UnicodeWidthChar;

use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell, fail, out};

/// What stands in a table at one place: a text for people, a value for programs.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    value: Value,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>, value: impl Into<Value>) -> Self {
        Cell { text: text.into(), value: value.into() }
    }

    /// A word for yes and one for no.
    pub(crate) fn flag(value: bool, yes: &str, no: &str) -> Self {
        Cell::new(if value { yes } else { no }, value)
    }

    /// A value that may be missing: `-` then.
    pub(crate) fn maybe<T: ToString + Into<Value>>(value: Option<T>) -> Self {
        match value {
            Some(value) => Cell { text: value.to_string(), value: value.into() },
            None => Cell::new("-", Value::Null),
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::new(text, text)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::new(text.clone(), text)
    }
}

macro_rules! number_cells {
    ($($type:ty),*) => {$(
        impl From<$type> for Cell {
            fn from(number: $type) -> Self { Cell::new(number.to_string(), number) }
        }
    )*};
}
number_cells!(i32, u32, i64, u64, usize);

/// The form that `--output` asks for; a program that has no such option shows tables.
fn form(arguments: &Arguments) -> Outcome<&str> {
    let form = if arguments.knows("output") { arguments.text("output")? } else { None };
    Ok(form.unwrap_or("table"))
}

/// Whether a list is to be printed for people to read.
///
/// # Errors
/// The option stands there twice.
pub(crate) fn is_for_people(arguments: &Arguments) -> Outcome<bool> {
    Ok(form(arguments)? == "table")
}

/// A list with columns.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    titles: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A list with these columns. In JSON and YAML a column is called like its title in lower case, with `_` for
    /// what is no letter or digit.
    pub(crate) fn new(titles: &[&'static str]) -> Self {
        Table { titles: titles.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.titles.len());
        self.rows.push(cells);
    }

    /// Prints the list in the form that `--output` asks for.
    ///
    /// # Errors
    /// There is no such form.
    pub(crate) fn show(&self, shell: &mut Shell, arguments: &Arguments) -> Outcome {
        let text = match form(arguments)? {
            "table" => self.text(!shell.quiet),
            "json" => {
                let mut text = serde_json::to_string_pretty(&self.value()).unwrap_or_default();
                text.push('\n');
                text
            }
            "yaml" => yaml(&self.value()),
            other => fail!("unsupported output format '{other}'"),
        };
        out!(shell, "{text}");
        Ok(())
    }

    /// For programs.
    pub(crate) fn value(&self) -> Value {
        let keys: Vec<String> = self.titles.iter().map(|title| key(title)).collect();
        let rows = self.rows.iter().map(|row| {
            Value::Object(
                keys.iter().cloned().zip(row.iter().map(|cell| cell.value.clone())).collect::<Map<_, _>>(),
            )
        });
        Value::Array(rows.collect())
    }

    /// For people.
    pub(crate) fn text(&self, header: bool) -> String {
        let utf8 = utf8_locale();
        let titles = self.titles.iter().map(|title| printable(title, utf8)).collect();
        let mut rows: Vec<Vec<(String, usize)>> = Vec::new();
        if header {
            rows.push(titles);
        }
        rows.extend(self.rows.iter().map(|row| row.iter().map(|c| printable(&c.text, utf8)).collect()));
        let columns = self.titles.len();
        let widths: Vec<usize> = (0..columns)
            .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.1).max().unwrap_or(0))
            .collect();
        let mut text = String::new();
        for (index, row) in rows.iter().enumerate() {
            for (column, (cell, width)) in row.iter().enumerate() {
                let _ = write!(text, " {cell}");
                if column + 1 < columns {
                    let pad = widths[column].saturating_sub(*width) + 2;
                    let _ = write!(text, "{:pad$}", "");
                }
            }
            text.push('\n');
            if header && index == 0 {
                let line = widths.iter().map(|width| width + 3).sum();
                let _ = writeln!(text, "{:-<line$}", "");
            }
        }
        text
    }
}

/// A column's name for programs.
fn key(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_")
}

/// Whether the environment says that texts are UTF-8.
fn utf8_locale() -> bool {
    let name = ["LC_ALL", "LC_CTYPE", "LANG"].iter().filter_map(|name| std::env::var(name).ok());
    let name = name.into_iter().find(|value| !value.is_empty()).unwrap_or_default().to_ascii_lowercase();
    name.contains("utf-8") || name.contains("utf8")
}

/// A text with what would disturb a table as `\xNN`, and how wide it is.
fn printable(text: &str, utf8: bool) -> (String, usize) {
    let mut shown = String::with_capacity(text.len());
    let mut width = 0;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let escape = c.is_control() || (c == '\\' && rest.peek() == Some(&'x')) || (!c.is_ascii() && !utf8);
        if escape {
            let mut buffer = [0; 4];
            for byte in c.encode_utf8(&mut buffer).bytes() {
                let _ = write!(shown, "\\x{byte:02x}");
                width += 4;
            }
        } else {
            shown.push(c);
            width += c.width().unwrap_or(0);
        }
    }
    (shown, width)
}

/// A list of flat objects, or an object of such, as YAML.
fn yaml(value: &Value) -> String {
    let Some(rows) = value.as_array() else { return String::new() };
    if rows.is_empty() {
        return "[]\n".to_owned();
    }
    let mut text = String::new();
    for row in rows {
        for (index, (key, value)) in row.as_object().into_iter().flatten().enumerate() {
            let lead = if index == 0 { "-" } else { " " };
            // JSON's scalars are YAML's
            let _ = writeln!(text, "{lead} {key}: {value}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new(&["Id", "MAC address"]);
        table.row(vec![Cell::maybe(None::<i32>), "a\tb".into()]);
        table.row(vec![17.into(), "x".into()]);
        table
    }

    #[test]
    fn tables_are_virshs() {
        assert_eq!(sample().text(true), " Id   MAC address\n-------------------\n -    a\\x09b\n 17   x\n");
        assert_eq!(sample().text(false), " -    a\\x09b\n 17   x\n");
        assert_eq!(Table::new(&["A"]).text(true), " A\n----\n");
    }

    #[test]
    fn programs_get_values() {
        assert_eq!(
            sample().value().to_string(),
            r#"[{"id":null,"mac_address":"a\tb"},{"id":17,"mac_address":"x"}]"#
        );
        assert_eq!(
            yaml(&sample().value()),
            "- id: null\n  mac_address: \"a\\tb\"\n- id: 17\n  mac_address: \"x\"\n"
        );
    }

    #[test]
    fn wide_characters_take_two_places() {
        assert_eq!(printable("日本", true), ("日本".to_owned(), 4));
        assert_eq!(printable("é", false), ("\\xc3\\xa9".to_owned(), 8));
        assert_eq!(printable("a\\x", true).0, "a\\x5cx");
    }
}
