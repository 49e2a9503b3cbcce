//! Constants.

use std::fmt::Write;

use virtus::constants::{Enum, Header};

/// Numbers that belong to no enumeration.
pub(super) fn numbers(header: &Header) -> String {
    let mut text = String::new();
    for (name, value) in header.numbers {
        let _ = writeln!(text, "#define {name} ({})", number(*value));
    }
    apart(text)
}

/// Names of parameters and fields.
pub(super) fn texts(header: &Header) -> String {
    let mut text = String::new();
    for (name, value) in header.texts.iter().copied().flatten() {
        let _ = writeln!(text, "#define {name} \"{value}\"");
    }
    apart(text)
}

/// Enumerations.
pub(super) fn enums(header: &Header) -> String {
    header.enums.iter().map(enumeration).collect()
}

fn enumeration(of: &Enum) -> String {
    let mut values = of.values.to_vec();
    values.sort_by_key(|(_, value)| *value);
    let mut text = String::from("typedef enum {\n");
    for (name, value) in values {
        let line = format!("    {name} = {},\n", number(value));
        // how many there are changes with versions, so only who asks for it gets it
        if name.ends_with("_LAST") {
            let _ = write!(text, "#ifdef VIR_ENUM_SENTINELS\n{line}#endif\n");
        } else {
            text.push_str(&line);
        }
    }
    let _ = writeln!(text, "}} {};\n", of.name);
    text
}

fn number(value: i64) -> String {
    match (i32::try_from(value), u32::try_from(value)) {
        // flags are read more easily so
        (Ok(small), _) if small >= 16 && small.count_ones() == 1 => format!("0x{small:x}"),
        (Ok(small), _) => small.to_string(),
        (_, Ok(unsigned)) => format!("0x{unsigned:x}u"),
        _ => format!("{value}LL"),
    }
}

fn apart(mut text: String) -> String {
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_width() {
        assert_eq!(number(3), "3");
        assert_eq!(number(-1), "-1");
        assert_eq!(number(1 << 12), "0x1000");
        assert_eq!(number(1 << 31), "0x80000000u");
        assert_eq!(number(9_007_199_254_740_991), "9007199254740991LL");
    }
}
