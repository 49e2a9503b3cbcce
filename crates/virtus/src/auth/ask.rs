//! Names and passwords: from `auth.conf`, or from whoever can be asked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use crate::config;
use crate::uri::Uri;

/// What is asked for (`virConnectCredentialType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
#[allow(missing_docs)]
pub enum CredentialKind {
    Username = 1,
    AuthName = 2,
    Language = 3,
    CNonce = 4,
    Passphrase = 5,
    EchoPrompt = 6,
    NoEchoPrompt = 7,
    Realm = 8,
    External = 9,
}

/// A question, and the place for its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// What is asked for.
    pub kind: CredentialKind,
    /// What to show a person.
    pub prompt: String,
    /// The host that wants to know.
    pub challenge: Option<String>,
    /// What an empty answer means.
    pub default: Option<String>,
    /// The answer.
    pub answer: Option<String>,
}

/// Who answers questions.
pub(crate) type Ask = Arc<dyn Fn(&mut [Credential]) -> Result<()> + Send + Sync>;

/// The service under which `auth.conf` has the names for daemons.
const SERVICE: &str = "libvirt";

/// Name and password for `host`: what the file has, and what it has not is asked for.
///
/// # Errors
/// `AUTH_FAILED` when nobody knows; what the one who was asked says.
pub(super) fn name_and_password(
    uri: Option<&Uri>,
    host: &str,
    ask: Option<&Ask>,
) -> Result<(String, String)> {
    let (name, password) = match file(uri) {
        Some(path) => {
            let text = std::fs::read_to_string(&path).map_err(|e| {
                Error::system(ErrorDomain::AUTH, format!("Failed to open file '{}'", path.display()), &e)
            })?;
            let look = |field| lookup((&text, &path), SERVICE, host, field);
            (look("authname")?, look("password")?)
        }
        None => (None, None),
    };
    if let (Some(name), Some(password)) = (&name, &password) {
        return Ok((name.clone(), password.clone()));
    }
    let Some(ask) = ask else {
        return Err(failed("No authentication callback available".to_owned()));
    };
    let question = |kind, prompt: &str| Credential {
        kind,
        prompt: prompt.to_owned(),
        challenge: Some(host.to_owned()),
        default: None,
        answer: None,
    };
    let mut questions = Vec::new();
    if name.is_none() {
        questions.push(question(CredentialKind::AuthName, "Please enter your authentication name"));
    }
    if password.is_none() {
        questions.push(question(CredentialKind::Passphrase, "Please enter your password"));
    }
    ask(&mut questions)?;
    let mut answers = questions.into_iter().map(|question| {
        question.answer.ok_or_else(|| failed("Failed to collect auth credentials".to_owned()))
    });
    let mut next =
        || answers.next().unwrap_or_else(|| Err(failed("Failed to collect auth credentials".to_owned())));
    let name = name.map_or_else(&mut next, Ok)?;
    let password = password.map_or_else(&mut next, Ok)?;
    Ok((name, password))
}

/// One of the two, as drivers in this process ask for it: of `auth.conf`'s `service`, or of whoever can be asked.
///
/// # Errors
/// As [`name_and_password`]; `INVALID_ARG` when nobody can be asked.
pub(crate) fn one(
    uri: &Uri,
    (service, host): (&str, &str),
    (kind, field, prompt): (CredentialKind, &str, String),
    ask: Option<&Ask>,
) -> Result<String> {
    if let Some(path) = file(Some(uri)) {
        let text = std::fs::read_to_string(&path).map_err(|e| {
            Error::system(ErrorDomain::AUTH, format!("Failed to open file '{}'", path.display()), &e)
        })?;
        if let Some(found) = lookup((&text, &path), service, host, field)? {
            return Ok(found);
        }
    }
    let Some(ask) = ask else {
        let text = "Missing authentication credentials";
        return Err(Error::new(ErrorDomain::AUTH, ErrorCode::INVALID_ARG, text));
    };
    let challenge = Some(host.to_owned());
    let mut questions = [Credential { kind, prompt, challenge, default: None, answer: None }];
    ask(&mut questions)?;
    let [Credential { answer, .. }] = questions;
    let what = if kind == CredentialKind::AuthName { "Username" } else { "Password" };
    answer.ok_or_else(|| failed(format!("{what} request failed")))
}

/// The file that has names and passwords, if there is one: that of the URI's `authfile`, of `LIBVIRT_AUTH_FILE`,
/// the user's, or the system's.
fn file(uri: Option<&Uri>) -> Option<PathBuf> {
    let named = std::env::var_os("LIBVIRT_AUTH_FILE").filter(|path| !path.is_empty()).map(PathBuf::from);
    if let Some(path) = named {
        return path.exists().then_some(path);
    }
    if let Some(path) = uri.and_then(|uri| uri.parameter("authfile")) {
        return Some(PathBuf::from(path));
    }
    let user = config::directory().join("auth.conf");
    [user, PathBuf::from("/etc/libvirt/auth.conf")].into_iter().find(|path| path.exists())
}

/// What the file has for a host: its section names another one with the credentials.
fn lookup((text, path): (&str, &Path), service: &str, host: &str, field: &str) -> Result<Option<String>> {
    let find = |section: &str, key: &str| {
        let mut inside = false;
        let mut found = None;
        for line in text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                inside = name == section;
            } else if let Some((name, value)) =
                line.split_once('=').filter(|_| inside && !line.starts_with('#'))
                && name.trim() == key
            {
                found = Some(value.trim().to_owned());
            }
        }
        found
    };
    let sections = [format!("auth-{service}-{host}"), format!("auth-{service}-default")];
    // the host's own section counts alone, if there is one
    let has = |section: &str| text.lines().any(|line| line.trim() == format!("[{section}]"));
    let Some(section) = sections.iter().find(|section| has(section)) else { return Ok(None) };
    let Some(credentials) = find(section, "credentials") else {
        let text = format!("Missing item 'credentials' in group '{section}' in '{}'", path.display());
        return Err(Error::new(ErrorDomain::AUTH, ErrorCode::CONF_SYNTAX, text));
    };
    let group = format!("credentials-{credentials}");
    if !has(&group) {
        let text =
            format!("Missing group '{group}' referenced from group '{section}' in '{}'", path.display());
        return Err(Error::new(ErrorDomain::AUTH, ErrorCode::CONF_SYNTAX, text));
    }
    Ok(find(&group, field))
}

fn failed(text: String) -> Error {
    Error::new(ErrorDomain::AUTH, ErrorCode::AUTH_FAILED, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[credentials-test]\nauthname=fred\npassword = 12 3\n[credentials-prod]\nauthname=root\n\
                        [auth-libvirt-a.example]\ncredentials=test\n[auth-libvirt-default]\ncredentials=prod\n\
                        [auth-esx-b]\ncredentials=none\n[auth-esx-c]\n";

    #[test]
    fn a_host_has_its_own_or_the_default() {
        let look = |host, field| lookup((FILE, Path::new("f")), "libvirt", host, field).unwrap();
        assert_eq!(look("a.example", "authname").as_deref(), Some("fred"));
        assert_eq!(look("a.example", "password").as_deref(), Some("12 3"));
        assert_eq!(look("b", "authname").as_deref(), Some("root"));
        assert_eq!(look("b", "password"), None);
        assert_eq!(lookup((FILE, Path::new("f")), "other", "b", "authname"), Ok(None));
        assert!(
            lookup((FILE, Path::new("f")), "esx", "b", "authname")
                .unwrap_err()
                .message()
                .contains("Missing group")
        );
        assert!(
            lookup((FILE, Path::new("f")), "esx", "c", "authname")
                .unwrap_err()
                .message()
                .contains("Missing item")
        );
    }

    #[test]
    fn who_can_be_asked_is_asked() {
        let ask: Ask = Arc::new(|questions| {
            questions.iter_mut().for_each(|q| q.answer = Some(format!("{:?}", q.kind)));
            Ok(())
        });
        let uri = Uri::parse("qemu:///system?authfile=/dev/null").unwrap();
        let answered = name_and_password(Some(&uri), "h", Some(&ask)).unwrap();
        assert_eq!(answered, ("AuthName".to_owned(), "Passphrase".to_owned()));
        let error = name_and_password(Some(&uri), "h", None).unwrap_err();
        assert_eq!(error.code(), ErrorCode::AUTH_FAILED);
    }
}
