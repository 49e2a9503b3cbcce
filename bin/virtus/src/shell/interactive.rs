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

use super::{Shell, extra, out};
use crate::complete;
use crate::grammar::{Number, Tokens};

/// How many lines the history has, and how many it may have.
const HISTORY: (usize, usize) = (500, 500_000);

impl Shell {
    /// Carries out what is typed until the end; tells whether the last command went well.
    pub(crate) fn interact(&mut self) -> bool {
        let size = match self.history_size() {
            Ok(size) => size,
            Err(complaint) => {
                self.error(complaint);
                return false;
            }
        };
        let program = self.program.clone();
        let kind = if self.persona.is_admin() { "administrating virtualization" } else { "virtualization" };
        extra!(self, "Welcome to {program}, the {kind} interactive terminal.\n\n");
        extra!(self, "Type:  'help' for help with commands\n       'quit' to quit\n\n");
        self.flush();
        match self.terminal.is_there() {
            true => self.converse(size),
            false => self.obey(),
        }
        true
    }

    fn prompt(&self) -> String {
        format!("{} {} ", self.persona.name(), if self.read_only { '>' } else { '#' })
    }

    fn carry_out(&mut self, line: &str) {
        if !line.is_empty()
            && let Some(commands) = self.parse(Tokens::line(line))
        {
            self.run(&commands);
        }
        self.flush();
    }

    /// Lines of a pipe, shown after the prompt as a terminal would show them.
    fn obey(&mut self) {
        let mut line = String::new();
        while self.interactive {
            let prompt = self.prompt();
            out!(self, "{prompt}");
            self.flush();
            line.clear();
            let read = std::io::stdin().lock().read_line(&mut line).unwrap_or(0);
            let text = line.trim_end_matches('\n').to_owned();
            out!(self, "{text}\n");
            if read == 0 {
                return;
            }
            self.carry_out(&text);
        }
    }

    /// Lines that a person types.
    fn converse(&mut self, size: usize) {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .max_history_size(size)
            .map(|config| config.auto_add_history(true).build());
        let Ok(mut editor) = config.and_then(Editor::<Typist<'_>, FileHistory>::with_config) else {
            return self.obey();
        };
        let history = history_file(self.persona.name());
        if let Some(path) = &history {
            let _ = editor.load_history(path);
        }
        editor.set_helper(Some(Typist { shell: RefCell::new(self) }));
        while let Some(typist) = editor.helper() {
            let prompt = typist.shell.borrow().prompt();
            let line = editor.readline(&prompt);
            let Some(typist) = editor.helper_mut() else { break };
            let shell = typist.shell.get_mut();
            match line {
                Ok(line) => shell.carry_out(&line),
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

    fn history_size(&self) -> Result<usize, String> {
        let name = format!("{}_HISTSIZE", self.persona.prefix());
        let Some(text) = self.persona.environment("HISTSIZE") else { return Ok(HISTORY.0) };
        let size = i32::read(&text).ok_or_else(|| format!("Bad ${name} value."))?;
        usize::try_from(size)
            .ok()
            .filter(|size| *size <= HISTORY.1)
            .ok_or_else(|| format!("${name} value should be between 0 and {}", HISTORY.1))
    }
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
}

impl Completer for Typist<'_> {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let line = line.get(..at).unwrap_or(line);
        let start = line.rfind([' ', '\t', '\n', ';', '=']).map_or(0, |place| place + 1);
        let word = line.get(start..).unwrap_or_default();
        let proposals = complete::propose(&mut self.shell.borrow_mut(), line, word);
        Ok((start, proposals))
    }
}

impl Hinter for Typist<'_> {
    type Hint = String;
}

impl Highlighter for Typist<'_> {}
impl Validator for Typist<'_> {}
impl Helper for Typist<'_> {}
