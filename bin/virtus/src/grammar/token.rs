//! Cutting a line, or a program's arguments, into words.

/// The next thing on a command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Word(String),
    /// `;`, the end of a line, or a comment.
    EndOfCommand,
    End,
}

/// Where words come from.
pub(crate) enum Tokens<'a> {
    /// One text, as a shell has it: blanks, quotes, `\`, `;` and `#` have their meaning.
    Line { rest: &'a str, whole: bool },
    /// Words that somebody else has cut already.
    Words(std::slice::Iter<'a, String>),
}

impl<'a> Tokens<'a> {
    /// A line that somebody wants carried out.
    pub(crate) fn line(text: &'a str) -> Self {
        Tokens::Line { rest: text, whole: true }
    }

    /// A line that is still being typed: its last word may be open.
    pub(crate) fn unfinished(text: &'a str) -> Self {
        Tokens::Line { rest: text, whole: false }
    }

    pub(crate) fn words(words: &'a [String]) -> Self {
        Tokens::Words(words.iter())
    }

    /// # Errors
    /// What is wrong with the line.
    pub(crate) fn next(&mut self) -> Result<Token, &'static str> {
        match self {
            Tokens::Words(words) => Ok(words.next().map_or(Token::End, |word| Token::Word(word.clone()))),
            Tokens::Line { rest, whole } => {
                let (token, left) = cut(rest, *whole)?;
                *rest = left;
                Ok(token)
            }
        }
    }
}

fn cut(line: &str, whole: bool) -> Result<(Token, &str), &'static str> {
    let mut rest = line;
    while let Some(left) = rest.strip_prefix([' ', '\t']).or_else(|| rest.strip_prefix("\\\n")) {
        rest = left;
    }
    if rest.is_empty() {
        return Ok((Token::End, rest));
    }
    if let Some(left) = rest.strip_prefix([';', '\n']) {
        return Ok((Token::EndOfCommand, left));
    }
    if rest.starts_with('#') {
        let left = rest.split_once('\n').map_or("", |(_, left)| left);
        return Ok((Token::EndOfCommand, left));
    }
    let (mut single, mut double) = (false, false);
    let mut word = String::new();
    let mut chars = rest.char_indices();
    let mut end = rest.len();
    while let Some((at, c)) = chars.next() {
        match c {
            ' ' | '\t' | ';' | '\n' if !single && !double => {
                end = at;
                break;
            }
            '\'' if !double => single = !single,
            '"' if !single => double = !double,
            '\\' if !single => match chars.next() {
                None => return Err("dangling \\"),
                Some((_, '\n')) => {}
                Some((_, c)) => word.push(c),
            },
            c => word.push(c),
        }
    }
    // an open ' is taken as closed by the end, an open " is not
    if double && whole {
        return Err("missing \"");
    }
    Ok((Token::Word(word), rest.get(end..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Vec<String>, &'static str> {
        let mut tokens = Tokens::line(line);
        let mut words = Vec::new();
        loop {
            match tokens.next()? {
                Token::Word(word) => words.push(word),
                Token::EndOfCommand => words.push("<>".to_owned()),
                Token::End => return Ok(words),
            }
        }
    }

    #[test]
    fn lines_are_cut_as_a_shell_cuts_them() {
        assert_eq!(words("a  b\tc").unwrap(), ["a", "b", "c"]);
        assert_eq!(words("a; b # c ; d\ne").unwrap(), ["a", "<>", "b", "<>", "e"]);
        assert_eq!(words("'a;b' \"c d\" e\\ f g\\\nh").unwrap(), ["a;b", "c d", "e f", "gh"]);
        assert_eq!(words("a#b '' \"x'y\" 'x\"\\y'").unwrap(), ["a#b", "", "x'y", "x\"\\y"]);
        assert_eq!(words("'open").unwrap(), ["open"]);
        assert_eq!(words("\"open"), Err("missing \""));
        assert_eq!(words("a \\"), Err("dangling \\"));
        assert_eq!(words("ü;é").unwrap(), ["ü", "<>", "é"]);
    }

    #[test]
    fn a_line_being_typed_may_have_an_open_word() {
        let mut tokens = Tokens::unfinished("\"al");
        assert_eq!(tokens.next(), Ok(Token::Word("al".to_owned())));
    }
}
