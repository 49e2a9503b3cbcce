//! How text is set in headers.

/// The longest line.
const WIDTH: usize = 100;

/// A comment; each line of `text` begins a paragraph.
pub(super) fn comment(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.lines().filter(|p| !p.is_empty()) {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.len() + word.len() + 4 > WIDTH {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    match lines.as_slice() {
        [] => String::new(),
        [one] => format!("/* {one} */\n"),
        more => format!("/* {}\n */\n", more.join("\n * ")),
    }
}

/// A declaration of something with members in parentheses, one a line when they do not fit on one.
pub(super) fn list(begin: &str, members: &[String], end: &str) -> String {
    let members = if members.is_empty() { &["void".to_owned()][..] } else { members };
    let line = format!("{begin}({}){end}", members.join(", "));
    if line.len() <= WIDTH {
        return line;
    }
    format!("{begin}({}){end}", members.join(&format!(",\n{}", " ".repeat(begin.len() + 1))))
}

/// A name with its type before it, as C has it.
pub(super) fn member(name: &str, of: &str) -> String {
    // the length of an array comes after the name
    if let Some((of, length)) = of.split_once('[') {
        return format!("{}[{length}", member(name, of));
    }
    if of.ends_with('*') { format!("{of}{name}") } else { format!("{of} {name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_written_as_c_has_them() {
        assert_eq!(member("name", "const char *"), "const char *name");
        assert_eq!(member("field", "char[80]"), "char field[80]");
        assert_eq!(member("flags", "unsigned int"), "unsigned int flags");
        assert_eq!(list("int f", &[], ";"), "int f(void);");
    }

    #[test]
    fn long_text_is_broken_between_words() {
        assert_eq!(comment("short"), "/* short */\n");
        let long = comment(&"word ".repeat(40));
        assert!(long.lines().all(|line| line.len() <= WIDTH), "{long}");
        assert!(long.ends_with("\n */\n"));
    }
}
