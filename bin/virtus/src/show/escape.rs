//! Quoting, and taking apart what is quoted.

/// For XML, texts and attributes alike.
pub(crate) fn xml(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => quoted.push_str("&lt;"),
            '>' => quoted.push_str("&gt;"),
            '&' => quoted.push_str("&amp;"),
            '"' => quoted.push_str("&quot;"),
            '\'' => quoted.push_str("&apos;"),
            // what XML cannot have
            c if c < ' ' && !matches!(c, '\t' | '\n' | '\r') => {}
            c => quoted.push(c),
        }
    }
    quoted
}

/// For a shell.
pub(crate) fn shell(text: &str) -> String {
    const SPECIAL: &str = "\r\t\n !\"#$&'()*;<>?[\\]^`{|}~";
    match text {
        "" => "''".to_owned(),
        text if !text.contains(|c| SPECIAL.contains(c)) => text.to_owned(),
        text => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// The parts between commas; `,,` is a comma.
pub(crate) fn split(text: &str) -> Vec<String> {
    let mut pieces = text.split(',');
    let mut parts = vec![pieces.next().unwrap_or_default().to_owned()];
    let mut comma = false;
    for piece in pieces {
        if comma {
            if let Some(last) = parts.last_mut() {
                last.push(',');
                last.push_str(piece);
            }
            comma = false;
        } else if piece.is_empty() {
            comma = true;
        } else {
            parts.push(piece.to_owned());
        }
    }
    if comma {
        parts.push(String::new());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_separate() {
        assert_eq!(split("a,b"), ["a", "b"]);
        assert_eq!(split("a,,b,c"), ["a,b", "c"]);
        assert_eq!(split("a,"), ["a", ""]);
        assert_eq!(split(""), [""]);
    }

    #[test]
    fn quotes_are_put_where_they_are_needed() {
        assert_eq!(shell("a b"), "'a b'");
        assert_eq!(shell("it's"), "'it'\\''s'");
        assert_eq!(shell("plain-/.x"), "plain-/.x");
        assert_eq!(xml("<a b='c'>\u{1}&"), "&lt;a b=&apos;c&apos;&gt;&amp;");
    }
}
