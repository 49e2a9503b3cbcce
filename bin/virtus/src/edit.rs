//! Changing texts in the user's editor.

use std::io::Write;
use std::process::Command;

use crate::file;
use crate::shell::{Failure, OrSay, Outcome, Shell, extra, out};

/// A document that can be changed in an editor.
pub(crate) trait Edit {
    /// As it is now.
    fn get(&mut self, shell: &mut Shell) -> Outcome<String>;

    /// As it is to be.
    fn set(&mut self, shell: &mut Shell, text: String) -> Outcome;

    /// Whether a text that was not changed is to be set all the same.
    fn set_unchanged(&self) -> bool {
        false
    }

    /// Whether checks can be left out.
    fn can_relax(&self) -> bool {
        false
    }

    /// Leaves checks out from now on; tells whether there were any.
    fn relax(&mut self) -> bool {
        false
    }
}

/// Has the user change a document; tells whether it was changed.
///
/// If somebody else changes it meanwhile, or if the change is refused, a user at a terminal is asked what to do.
///
/// # Errors
/// The document's, or why no editor could be run.
pub(crate) fn run(shell: &mut Shell, document: &mut impl Edit) -> Outcome<bool> {
    let mut original = document.get(shell)?;
    let file = write(&original)?;
    let path = file.path().to_string_lossy().into_owned();
    loop {
        start_editor(shell, &path)?;
        let edited = read_back(&path)?;
        if edited == original && !document.set_unchanged() {
            return Ok(false);
        }
        let mut relaxable = document.can_relax();
        loop {
            let now = document.get(shell)?;
            let failure = if now != original {
                original = now;
                Failure::new("The XML configuration was changed by another user.")
            } else {
                match document.set(shell, edited.clone()) {
                    Ok(()) => return Ok(true),
                    Err(failure) => Failure::from_parts("Failed.", failure),
                }
            };
            match ask(shell, &failure, relaxable) {
                Some('y') => break,
                Some('f') => {}
                Some('i') if relaxable => {
                    document.relax();
                    relaxable = false;
                }
                Some('n') => return Err(Failure::silent()),
                _ => return Err(failure),
            }
        }
    }
}

/// Has the user change a text; an end of line at its end is dropped.
///
/// # Errors
/// Why no editor could be run.
pub(crate) fn text(shell: &mut Shell, text: &str) -> Outcome<String> {
    let file = write(text)?;
    let path = file.path().to_string_lossy().into_owned();
    start_editor(shell, &path)?;
    let mut edited = read_back(&path)?;
    if edited.ends_with('\n') {
        edited.pop();
    }
    Ok(edited)
}

fn write(text: &str) -> Outcome<tempfile::NamedTempFile> {
    let mut file = tempfile::Builder::new().prefix("virsh").suffix(".xml").tempfile().map_err(|error| {
        Failure::new(format_args!("g_mkstemp_full: failed to create temporary file: {error}"))
    })?;
    file.write_all(text.as_bytes()).map_err(|error| {
        let path = file.path().display();
        Failure::new(format_args!("write: {path}: failed to write to temporary file: {error}"))
    })?;
    Ok(file)
}

fn read_back(path: &str) -> Outcome<String> {
    file::read(path).or_say(format_args!("{path}: failed to read temporary file"))
}

/// Runs `$VISUAL`, `$EDITOR` or vi; with a shell if that has arguments or more.
fn start_editor(shell: &mut Shell, path: &str) -> Outcome {
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-/_.:@".contains(c));
    let editor = ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok());
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    let mut command = match plain(&editor) {
        true => {
            let mut command = Command::new(&editor);
            command.arg(path);
            command
        }
        false if !plain(path) => {
            return Err(Failure::new(format_args!(
                "{path}: temporary filename contains shell meta or other unacceptable characters (is $TMPDIR wrong?)"
            )));
        }
        false => {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("{editor} {path}")]);
            command
        }
    };
    shell.flush();
    let failed = |text: String| {
        Failure::from(virtus::Error::new(virtus::ErrorDomain::NONE, virtus::ErrorCode::INTERNAL_ERROR, text))
    };
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(format!("Child process ({editor} {path}) unexpected {status}"))),
        Err(error) => Err(failed(format!("Cannot run editor '{editor}': {error}"))),
    }
}

/// What a user wants done about a change that was not taken; `None` when nobody can be asked.
fn ask(shell: &mut Shell, failure: &Failure, relaxable: bool) -> Option<char> {
    if !shell.terminal.is_there() {
        return None;
    }
    let message = failure.lines().next().unwrap_or_default().to_owned();
    for line in failure.lines().skip(1).map(str::to_owned).collect::<Vec<_>>() {
        shell.error(line);
    }
    shell.terminal.raw().ok()?;
    let choices = if relaxable { "[y,n,i,f,?]" } else { "[y,n,f,?]" };
    let answer = loop {
        out!(shell, "\r{message} Try again? {choices}: ");
        shell.flush();
        let mut byte = [0];
        if rustix::io::read(std::io::stdin(), &mut byte).unwrap_or(0) == 0 {
            break None;
        }
        match char::from(byte[0]).to_ascii_lowercase() {
            '?' => {
                extra!(shell, "\r\ny - yes, edit once more\r\nn - no, forget my changes\r\n");
                if relaxable {
                    extra!(shell, "i - ignore the schema and try again\r\n");
                }
                extra!(shell, "f - force, try again as it is\r\n? - this help\r\n");
            }
            'i' if relaxable => break Some('i'),
            answer @ ('y' | 'n' | 'f') => break Some(answer),
            _ => {}
        }
    };
    shell.terminal.restore();
    out!(shell, "\r\n");
    answer
}
