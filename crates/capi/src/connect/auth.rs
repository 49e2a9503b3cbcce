//! Questions that the caller answers, and the answers of a person at a terminal.

use std::ffi::{CStr, c_int, c_uint, c_void};
use std::io::{BufRead, Write};
use std::ptr::{NonNull, null_mut};

use virtus::{Credential, CredentialKind, Error, ErrorCode, ErrorDomain, Result};

use crate::ctype::Char;
use crate::declare::{Export, Header, callbacks, structs};
use crate::error::Opaque;
use crate::memory;

structs! {
    /// A question, and the place for its answer.
    virConnectCredential {
        r#type: c_int,
        prompt: *const Char,
        challenge: *const Char,
        defresult: *const Char,
        result: *mut Char,
        resultlen: c_uint,
    }
    /// Who answers questions, and which.
    virConnectAuth {
        credtype: *mut c_int,
        ncredtype: c_uint,
        cb: virConnectAuthCallbackPtr,
        cbdata: *mut c_void,
    }
}

callbacks! {
    /// Answers questions.
    virConnectAuthCallbackPtr(cred: *mut virConnectCredential, ncred: c_uint, cbdata: *mut c_void) -> c_int;
}

/// Who answers, as it was when the connection was opened.
#[derive(Debug)]
pub(super) struct Answers {
    kinds: Vec<c_int>,
    callback: virConnectAuthCallbackPtr,
    data: Opaque,
}

impl Answers {
    /// # Safety
    /// Its kinds are as many as it says.
    pub(super) unsafe fn new(auth: &virConnectAuth) -> Self {
        let kinds = match NonNull::new(auth.credtype) {
            // SAFETY: as the caller promises
            Some(kinds) => unsafe {
                std::slice::from_raw_parts(
                    kinds.as_ptr(),
                    usize::try_from(auth.ncredtype).unwrap_or_default(),
                )
                .to_vec()
            },
            None => Vec::new(),
        };
        Answers { kinds, callback: auth.cb, data: Opaque(auth.cbdata) }
    }

    /// Has the questions answered.
    pub(super) fn ask(&self, questions: &mut [Credential]) -> Result<()> {
        let Some(callback) = self.callback.0 else {
            let text = "Missing authentication callback";
            return Err(Error::new(ErrorDomain::AUTH, ErrorCode::INVALID_ARG, text));
        };
        if questions.iter().any(|question| !self.kinds.contains(&(question.kind as c_int))) {
            let text = "no suitable callback authentication callback was found";
            return Err(Error::new(ErrorDomain::AUTH, ErrorCode::OPERATION_UNSUPPORTED, text));
        }
        let mut c = questions.iter().map(virConnectCredential::new).collect::<Result<Vec<_>>>()?;
        let count = c_uint::try_from(c.len()).unwrap_or(c_uint::MAX);
        // SAFETY: C has given it to be called with so many questions
        let answered = unsafe { callback(c.as_mut_ptr(), count, self.data.0) };
        for (question, c) in questions.iter_mut().zip(c) {
            // SAFETY: an answer came from `malloc` and has its end; the rest is ours
            unsafe { question.answer = c.take() };
        }
        if answered < 0 { Err(failed("Failed to collect auth credentials")) } else { Ok(()) }
    }
}

fn failed(text: &str) -> Error {
    Error::new(ErrorDomain::AUTH, ErrorCode::AUTH_FAILED, text)
}

impl virConnectCredential {
    fn new(question: &Credential) -> Result<Self> {
        let text = |text: Option<&str>| memory::optional_text(text).map(<*mut Char>::cast_const);
        Ok(virConnectCredential {
            r#type: question.kind as c_int,
            prompt: text(Some(&question.prompt))?,
            challenge: text(question.challenge.as_deref())?,
            defresult: text(question.default.as_deref())?,
            result: null_mut(),
            resultlen: 0,
        })
    }

    /// The answer; everything is freed.
    ///
    /// # Safety
    /// It is one of ours; an answer came from `malloc` and has its end.
    unsafe fn take(self) -> Option<String> {
        // SAFETY: as the caller promises
        unsafe {
            let answer = NonNull::new(self.result)
                .map(|text| CStr::from_ptr(text.as_ptr().cast()).to_string_lossy().into_owned());
            memory::free(self.result);
            memory::free(self.prompt.cast_mut());
            memory::free(self.challenge.cast_mut());
            memory::free(self.defresult.cast_mut());
            answer
        }
    }
}

/// The kinds that a person at a terminal can answer.
static KINDS: [c_int; 6] = [
    CredentialKind::AuthName as c_int,
    CredentialKind::EchoPrompt as c_int,
    CredentialKind::Realm as c_int,
    CredentialKind::Passphrase as c_int,
    CredentialKind::NoEchoPrompt as c_int,
    CredentialKind::External as c_int,
];

/// A variable of the API.
#[repr(transparent)]
struct Shared<T>(T);

// SAFETY: what it points to is only read
unsafe impl<T> Sync for Shared<T> {}

static DEFAULT: Shared<virConnectAuth> = Shared(virConnectAuth {
    credtype: (&raw const KINDS).cast::<c_int>().cast_mut(),
    ncredtype: 6,
    cb: virConnectAuthCallbackPtr(Some(at_terminal)),
    cbdata: null_mut(),
});

/// Asks a person at the terminal.
#[unsafe(no_mangle)]
#[used]
#[allow(non_upper_case_globals)]
static virConnectAuthPtrDefault: Shared<*const virConnectAuth> = Shared(&raw const DEFAULT.0);

/// The variable.
pub(crate) const EXPORTS: &[Export] = &[Export {
    name: "virConnectAuthPtrDefault",
    since: "0.4.0",
    header: Header::HOST,
    arguments: None,
    result: <*mut virConnectAuth as crate::ctype::CType>::name,
}];

/// # Safety
/// So many questions, as the API has it.
unsafe extern "C" fn at_terminal(
    questions: *mut virConnectCredential,
    count: c_uint,
    _: *mut c_void,
) -> c_int {
    let answered = std::panic::catch_unwind(|| {
        let questions = match NonNull::new(questions) {
            // SAFETY: as the caller promises
            Some(first) => unsafe {
                std::slice::from_raw_parts_mut(first.as_ptr(), usize::try_from(count).unwrap_or_default())
            },
            None => &mut [],
        };
        // SAFETY: their texts have their ends or are null
        questions.iter_mut().all(|question| unsafe { answer(question) }.is_some())
    });
    if answered.unwrap_or(false) { 0 } else { -1 }
}

/// # Safety
/// Its texts have their ends or are null.
unsafe fn answer(question: &mut virConnectCredential) -> Option<()> {
    let text = |text: *const Char| match text.is_null() {
        true => String::new(),
        // SAFETY: as the caller promises
        false => unsafe { CStr::from_ptr(text.cast()) }.to_string_lossy().into_owned(),
    };
    let said = match question.r#type {
        kind if kind == CredentialKind::External as c_int => {
            // only an agent of polkit could be started, and that is the session's matter
            return (text(question.challenge) == "PolicyKit").then_some(());
        }
        kind if kind == CredentialKind::Passphrase as c_int
            || kind == CredentialKind::NoEchoPrompt as c_int =>
        {
            prompt(&text(question.prompt))?;
            without_echo(read_line)?
        }
        kind if KINDS.contains(&kind) => {
            prompt(&text(question.prompt))?;
            read_line()?
        }
        _ => return None,
    };
    let answer = if said.is_empty() { text(question.defresult) } else { said };
    question.resultlen = c_uint::try_from(answer.len()).ok()?;
    question.result = memory::text(&answer).ok()?.as_ptr();
    Some(())
}

fn prompt(text: &str) -> Option<()> {
    // what the program has written before is to be seen before
    // SAFETY: null stands for all of C's files
    unsafe { libc::fflush(null_mut()) };
    let mut out = std::io::stdout().lock();
    write!(out, "{text}: ").ok()?;
    out.flush().ok()
}

fn read_line() -> Option<String> {
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line) {
        // the end of the input is an empty answer
        Ok(_) => Some(line.trim_end_matches(['\n', '\r']).to_owned()),
        Err(_) => None,
    }
}

/// Reads while the terminal does not show what is typed.
fn without_echo(read: impl FnOnce() -> Option<String>) -> Option<String> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let stdin = std::io::stdin();
    let Ok(before) = tcgetattr(&stdin) else { return read() };
    let mut hidden = before.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    let _ = tcsetattr(&stdin, OptionalActions::Flush, &hidden);
    let line = read();
    let _ = tcsetattr(&stdin, OptionalActions::Flush, &before);
    let _ = writeln!(std::io::stdout());
    line
}
