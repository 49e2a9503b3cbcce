//! Connection URIs: `driver[+transport]://[user@]host[:port]/path?parameters`.

mod text;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

/// A connection URI in its parts, as libvirt takes it apart.
///
/// ```
/// use virtus::Uri;
///
/// let uri = Uri::parse("qemu+ssh://root@host.example:2222/system?keyfile=/keys/one").unwrap();
/// assert_eq!(uri.driver(), "qemu");
/// assert_eq!((uri.user.as_deref(), uri.server.as_deref(), uri.port), (Some("root"), Some("host.example"), 2222));
/// assert_eq!(uri.parameter("keyfile"), Some("/keys/one"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uri {
    /// Driver and transport, e.g. `qemu+ssh`.
    pub scheme: Option<String>,
    /// The user to log in as.
    pub user: Option<String>,
    /// The host's name or address, an IPv6 address without its brackets; empty when only the slashes stand there.
    pub server: Option<String>,
    /// The port, 0 when none is given.
    pub port: u16,
    /// Which of the driver's instances, e.g. `/system`.
    pub path: Option<String>,
    /// The parameters as they were written; where there is none, `parameters` are written in its place.
    pub query: Option<String>,
    /// Parameters in their order, decoded.
    pub parameters: Vec<(String, String)>,
    /// What follows a `#`.
    pub fragment: Option<String>,
}

/// How a daemon is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TransportKind {
    Tls,
    Unix,
    Ssh,
    Libssh2,
    Ext,
    Tcp,
    Libssh,
}

impl TransportKind {
    const ALL: [(&'static str, Self); 7] = [
        ("tls", Self::Tls),
        ("unix", Self::Unix),
        ("ssh", Self::Ssh),
        ("libssh2", Self::Libssh2),
        ("ext", Self::Ext),
        ("tcp", Self::Tcp),
        ("libssh", Self::Libssh),
    ];

    /// Its name in a URI.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

impl Uri {
    /// Takes a URI apart.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` when it is none (libvirt has no better number for this).
    pub fn parse(text: &str) -> Result<Self> {
        text::parse(text)
            .ok_or_else(|| Error::internal(ErrorDomain::URI, format!("Unable to parse URI {text}")))
    }

    /// The part of the scheme that names the driver.
    pub fn driver(&self) -> &str {
        let scheme = self.scheme.as_deref().unwrap_or_default();
        scheme.split_once('+').map_or(scheme, |(driver, _)| driver)
    }

    /// How the daemon is to be reached: as the scheme says, else by TLS to a named host, else by a local socket.
    ///
    /// # Errors
    /// `INVALID_ARG` for a transport that there is not, and for a local socket of another host.
    pub fn transport(&self) -> Result<TransportKind> {
        let invalid = |text: String| Error::new(ErrorDomain::REMOTE, ErrorCode::INVALID_ARG, text);
        let Some((_, name)) = self.scheme.as_deref().unwrap_or_default().split_once('+') else {
            return Ok(if self.server.is_some() { TransportKind::Tls } else { TransportKind::Unix });
        };
        let name = name.to_ascii_lowercase();
        let Some((_, kind)) = TransportKind::ALL.iter().find(|(known, _)| *known == name) else {
            return Err(invalid(
                "remote_open: transport in URL not recognised (should be tls|unix|ssh|ext|tcp|libssh2|libssh)"
                    .to_owned(),
            ));
        };
        match &self.server {
            Some(server) if *kind == TransportKind::Unix => {
                Err(invalid(format!("using unix socket and remote server '{server}' is not supported.")))
            }
            _ => Ok(*kind),
        }
    }

    /// The last parameter of this name, whatever the case of its letters.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .rev()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// A parameter that is a number, where anything but 0 means yes.
    ///
    /// # Errors
    /// `INVALID_ARG` when it is no number.
    pub fn switch(&self, name: &str) -> Result<bool> {
        let Some(value) = self.parameter(name) else { return Ok(false) };
        value.parse::<i32>().map(|number| number != 0).map_err(|_| {
            let text = format!("Failed to parse value of URI component {name}");
            Error::new(ErrorDomain::REMOTE, ErrorCode::INVALID_ARG, text)
        })
    }

    /// The URI that the daemon at the other end is asked for: driver, path and the parameters that `keep` wants.
    pub fn for_daemon(&self, keep: impl Fn(&str) -> bool) -> String {
        let parameters = self.parameters.iter().filter(|(name, _)| keep(name)).cloned().collect();
        let scheme = Some(self.driver().to_owned());
        let Uri { path, fragment, .. } = self.clone();
        Uri { scheme, path, fragment, parameters, ..Uri::default() }.to_string()
    }
}

impl std::fmt::Display for Uri {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        text::write(self, f)
    }
}

impl std::str::FromStr for Uri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Uri::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(text: &str) -> (Option<String>, Option<String>, Option<String>, u16, Option<String>) {
        let uri = Uri::parse(text).unwrap();
        (uri.scheme, uri.user, uri.server, uri.port, uri.path)
    }

    #[test]
    fn every_form_libvirt_documents_is_taken_apart() {
        let s = |text: &str| Some(text.to_owned());
        for (text, expected) in [
            ("qemu:///system", (s("qemu"), None, None, 0, s("/system"))),
            ("test:///default", (s("test"), None, None, 0, s("/default"))),
            ("qemu+unix:///session", (s("qemu+unix"), None, None, 0, s("/session"))),
            ("xen://host/", (s("xen"), None, s("host"), 0, s("/"))),
            ("qemu+tcp://[::1]:5000/system", (s("qemu+tcp"), None, s("::1"), 5000, s("/system"))),
            ("qemu+ssh://a%40b@h/system", (s("qemu+ssh"), s("a@b"), s("h"), 0, s("/system"))),
            ("esx://u@vc/dc/cl%20a", (s("esx"), s("u"), s("vc"), 0, s("/dc/cl a"))),
            ("remote+tls://h", (s("remote+tls"), None, s("h"), 0, None)),
            ("alias-name", (None, None, None, 0, s("alias-name"))),
            ("test:default", (s("test"), None, None, 0, s("default"))),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_uri_is_refused() {
        for text in
            ["qemu:///sys tem", "qemu://[::1]:a/", "qemu://h:99999/", "qemu:///%zz", "a b", "qemu://[::1/"]
        {
            let error = Uri::parse(text).unwrap_err();
            assert_eq!(error.message(), format!("internal error: Unable to parse URI {text}"));
        }
    }

    #[test]
    fn the_transport_follows_from_scheme_and_host() {
        let of = |text: &str| Uri::parse(text).unwrap().transport().map(TransportKind::name);
        assert_eq!(of("qemu:///system"), Ok("unix"));
        assert_eq!(of("qemu://host/system"), Ok("tls"));
        assert_eq!(of("qemu+SSH://host/system"), Ok("ssh"));
        assert!(of("qemu+bogus:///system").is_err());
        assert!(of("qemu+unix://host/system").is_err());
    }

    #[test]
    fn the_daemon_gets_what_is_not_for_the_way_to_it() {
        let uri = Uri::parse("qemu+tcp://h:1/system?no_verify=1&x=a%26b&socket=/s").unwrap();
        assert_eq!(uri.for_daemon(|name| name == "x"), "qemu:///system?x=a%26b");
        assert_eq!(Uri::parse("qemu+tls://h/system").unwrap().for_daemon(|_| false), "qemu:///system");
        assert_eq!(uri.to_string(), "qemu+tcp://h:1/system?no_verify=1&x=a%26b&socket=/s");
        assert_eq!(uri.switch("no_verify"), Ok(true));
        assert!(Uri::parse("a:///b?no_verify=x").unwrap().switch("no_verify").is_err());
    }

    proptest! {
        #[test]
        fn a_uri_is_what_it_was_after_it_was_written(
            scheme in "[a-z]{1,5}(\\+[a-z]{2,4})?",
            user in proptest::option::of("[ -~]{1,8}"),
            server in prop_oneof!["[a-z][a-z0-9.-]{0,9}", Just("fe80::1".to_owned())],
            port in 0..=u16::MAX,
            path in "/[ -~]{0,12}",
            parameters in proptest::collection::vec(("[a-z_]{1,6}", "[ -~]{0,8}"), 0..4),
        ) {
            let uri = Uri {
                scheme: Some(scheme), user, server: Some(server), port, path: Some(path), parameters, fragment: None, query: None,
            };
            let text = uri.to_string();
            let read = Uri::parse(&text).unwrap();
            prop_assert_eq!(read.to_string(), text);
            prop_assert_eq!(Uri { query: None, ..read }, uri);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = Uri::parse(&text);
        }
    }
}
