//! libvirt's own libraries for ssh, in whose place the program is run: the errors that they would tell.

use virtus_base::{Error, ErrorCode, ErrorDomain};

/// One of the libraries, and what its errors name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Library {
    pub(crate) name: Name,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) key: Option<String>,
    /// The file of known hosts, if one is named.
    pub(crate) hosts: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Libssh,
    Libssh2,
}

impl Library {
    /// What the program's complaint is in the library's words; `None` where it has none for it.
    pub(crate) fn error(&self, complaint: &str) -> Option<Error> {
        let Library { name, host, port, key, hosts } = self;
        let (domain, code) = match name {
            Name::Libssh => (ErrorDomain::LIBSSH, ErrorCode::LIBSSH),
            Name::Libssh2 => (ErrorDomain::SSH, ErrorCode::SSH),
        };
        let system = |text| Some(Error::new(ErrorDomain::RPC, ErrorCode::SYSTEM_ERROR, text));
        let last = complaint.lines().last().unwrap_or_default();
        let reason = last.rsplit(": ").next().unwrap_or_default();
        if last.starts_with("ssh: connect to host ") {
            return system(format!("unable to connect to server at '{host}:{port}': {reason}"));
        }
        if last.starts_with("ssh: Could not resolve hostname ") {
            return system(format!("Unable to resolve address '{host}' service '{port}': {reason}"));
        }
        if complaint.contains("REMOTE HOST IDENTIFICATION HAS CHANGED") {
            let fingerprint = complaint.lines().find(|line| line.starts_with("SHA256:")).unwrap_or_default();
            let text = format!(
                "!!! SSH HOST KEY VERIFICATION FAILED !!!: Identity of host '{host}:{port}' differs from stored \
                 identity. Please verify the new host key '{}' to avoid possible man in the middle attack. The key is \
                 stored in '{}'.",
                fingerprint.trim_end_matches('.'),
                hosts.as_deref().unwrap_or("~/.ssh/known_hosts")
            );
            return Some(Error::new(domain, ErrorCode::AUTH_FAILED, text));
        }
        if last.starts_with("Host key verification failed") {
            return Some(Error::new(domain, code, format!("SSH host key for '{host}' was not accepted")));
        }
        let (_, offered) = last.split_once(": Permission denied (")?;
        let offered = offered.trim_end_matches(['.', ')']);
        match (name, key) {
            (Name::Libssh, _) => {
                let tried = if key.is_some() { "publickey" } else { "none" };
                let text = format!(
                    "failed to authenticate: Access denied for '{tried}'. Authentication that can continue: {offered}"
                );
                Some(Error::new(domain, code, text))
            }
            (Name::Libssh2, Some(key)) => {
                let text = format!(
                    "authentication with private key '{key}' has failed: Username/PublicKey combination invalid"
                );
                Some(Error::new(domain, ErrorCode::AUTH_FAILED, text))
            }
            (Name::Libssh2, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: Name, complaint: &str) -> Option<(ErrorCode, String)> {
        let library = Library {
            name,
            host: "h".into(),
            port: 22,
            key: Some("/k".into()),
            hosts: Some("/hosts".into()),
        };
        library.error(complaint).map(|error| (error.code(), error.message().to_owned()))
    }

    #[test]
    fn complaints_become_the_librarys_errors() {
        let refused = "ssh: connect to host h port 22: Connection refused";
        let text = "unable to connect to server at 'h:22': Connection refused".to_owned();
        assert_eq!(said(Name::Libssh, refused), Some((ErrorCode::SYSTEM_ERROR, text)));
        let denied = "Warning: something\nroot@h: Permission denied (publickey,password).";
        let (code, text) = said(Name::Libssh, denied).unwrap();
        assert_eq!(code, ErrorCode::LIBSSH);
        assert!(
            text.ends_with("denied for 'publickey'. Authentication that can continue: publickey,password"),
            "{text}"
        );
        let (code, text) = said(Name::Libssh2, denied).unwrap();
        assert_eq!(code, ErrorCode::AUTH_FAILED);
        assert!(text.contains("private key '/k' has failed"), "{text}");
        assert_eq!(said(Name::Libssh2, "Host key verification failed.").unwrap().0, ErrorCode::SSH);
        let changed = "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nSHA256:abc.\nHost key verification failed.";
        let (code, text) = said(Name::Libssh, changed).unwrap();
        assert!(code == ErrorCode::AUTH_FAILED && text.contains("new host key 'SHA256:abc' to"), "{text}");
        // what happens on the other side has no words of theirs
        assert_eq!(said(Name::Libssh, "sh: 1: nc: not found"), None);
        assert_eq!(said(Name::Libssh, ""), None);
    }
}
