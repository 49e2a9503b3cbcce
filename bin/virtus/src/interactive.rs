//! Reading commands from a terminal, with history and completion, or from a pipe.

use std::cell::RefCell;
use std::io::BufRead;
use std::path::PathBuf;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use crate::grammar::{Catalogue, Number, Tokens};
use crate::run::{parse, run};
use crate::shell::{Shell, extra, out};
use crate::typing;

/// How many lines the history has, and how many it may have.
const HISTORY: (usize, usize) = (500, 500_000);

/// Carries out what is typed until the end; tells whether it could begin.
pub(crate) fn interact(shell: &mut Shell, catalogue: &'static Catalogue) -> bool {
    let size = match history_size(shell) {
        Ok(size) => size,
        Err(complaint) => {
            shell.error(complaint);
            return false;
        }
    };
    let program = shell.program.clone();
    let kind = if shell.persona.is_admin() { "administrating virtualization" } else { "virtualization" };
    extra!(shell, "Welcome to {program}, the {kind} interactive terminal.\n\n");
    extra!(shell, "Type:  'help' for help with commands\n       'quit' to quit\n\n");
    shell.flush();
    match shell.terminal.is_there() {
        true => converse(shell, catalogue, size),
        false => obey(shell, catalogue),
    }
    true
}

fn prompt(shell: &Shell) -> String {
    format!("{} {} ", shell.persona.name(), if shell.read_only { '>' } else { '#' })
}

fn carry_out(shell: &mut Shell, catalogue: &Catalogue, line: &str) {
    if !line.is_empty()
        && let Some(commands) = parse(shell, catalogue, Tokens::line(line))
    {
        run(shell, &commands);
    }
    shell.flush();
}

/// Lines of a pipe, shown after the prompt as a terminal would show them.
fn obey(shell: &mut Shell, catalogue: &Catalogue) {
    let mut line = String::new();
    while shell.interactive {
        let prompt = prompt(shell);
        out!(shell, "{prompt}");
        shell.flush();
        line.clear();
        let read = std::io::stdin().lock().read_line(&mut line).unwrap_or(0);
        let text = line.trim_end_matches('\n').to_owned();
        out!(shell, "{text}\n");
        if read == 0 {
            return;
        }
        carry_out(shell, catalogue, &text);
    }
}

/// Lines that a person types.
fn converse(shell: &mut Shell, catalogue: &'static Catalogue, size: usize) {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .max_history_size(size)
        .map(|config| config.auto_add_history(true).build());
    let Ok(mut editor) = config.and_then(Editor::<Typist<'_>, FileHistory>::with_config) else {
        return obey(shell, catalogue);
    };
    let history = history_file(shell.persona.name());
    if let Some(path) = &history {
        let _ = editor.load_history(path);
    }
    editor.set_helper(Some(Typist { shell: RefCell::new(shell), catalogue }));
    while let Some(typist) = editor.helper() {
        let prompt = prompt(&typist.shell.borrow());
        let line = editor.readline(&prompt);
        let Some(typist) = editor.helper_mut() else { break };
        let shell = typist.shell.get_mut();
        match line {
            Ok(line) => carry_out(shell, catalogue, &line),
            Err(ReadlineError::Interrupted) => {}
            Err(_) => {
                out!(shell, "\n");
                break;
            }
        }
        if !shell.interactive {
            break;
        }
    }
    if let Some(path) = &history {
        if let Some(directory) = path.parent() {
            let _ = std::fs::create_dir_all(directory);
        }
        if let Err(error) = editor.save_history(path)
            && let Some(typist) = editor.helper_mut()
        {
            let text = format!("Failed to create '{}': {error}", path.display());
            typist.shell.get_mut().error(text);
        }
    }
}

fn history_size(shell: &Shell) -> Result<usize, String> {
    let name = format!("{}_HISTSIZE", shell.persona.prefix());
    let Some(text) = shell.persona.environment("HISTSIZE") else { return Ok(HISTORY.0) };
    let size = i32::read(&text).ok_or_else(|| format!("Bad ${name} value."))?;
    usize::try_from(size)
        .ok()
        .filter(|size| *size <= HISTORY.1)
        .ok_or_else(|| format!("${name} value should be between 0 and {}", HISTORY.1))
}

/// Where virsh keeps its history, and virtus beside it.
fn history_file(name: &str) -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    Some(cache.join("libvirt").join(name).join("history"))
}

/// Who helps a person type.
struct Typist<'a> {
    shell: RefCell<&'a mut Shell>,
    catalogue: &'static Catalogue,
}

impl Completer for Typist<'_> {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let line = line.get(..at).unwrap_or(line);
        let start = line.rfind([' ', '\t', '\n', ';', '=']).map_or(0, |place| place + 1);
        let word = line.get(start..).unwrap_or_default();
        let proposals = typing::propose(&mut self.shell.borrow_mut(), self.catalogue, line, word);
        Ok((start, proposals))
    }
}

impl Hinter for Typist<'_> {
    type Hint = String;
}

impl Highlighter for Typist<'_> {}
impl Validator for Typist<'_> {}
impl Helper for Typist<'_> {}
