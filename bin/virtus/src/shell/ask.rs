//! Asking the user for names and passwords that a daemon wants.

use std::io::{BufRead, Write};

use virtus::{Credential, CredentialKind, Result};

use super::Terminal;

/// Puts each question on standard output and reads the answer, hidden where it is a password.
pub(super) fn answer(terminal: &Terminal, questions: &mut [Credential]) -> Result<()> {
    for question in questions {
        let secret = matches!(question.kind, CredentialKind::Passphrase | CredentialKind::NoEchoPrompt);
        if question.kind == CredentialKind::External {
            continue;
        }
        print!("{}: ", question.prompt);
        let _ = std::io::stdout().flush();
        if secret {
            terminal.hide();
        }
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        if secret {
            terminal.restore();
            println!();
        }
        let text = line.trim_end_matches(['\n', '\r']);
        question.answer = match read {
            Ok(1..) if !text.is_empty() => Some(text.to_owned()),
            Ok(1..) => question.default.clone().or(Some(String::new())),
            // whoever says no more says nothing
            Ok(0) => Some(String::new()),
            Err(_) => None,
        };
    }
    Ok(())
}
