//! GnuTLS priority texts, as far as there is something to choose here: versions, ciphers and key exchanges.

use rustls::crypto::{CryptoProvider, ring};
use rustls::{CipherSuite, SupportedProtocolVersion, version};

/// What a session may use.
#[derive(Clone, Debug)]
pub(super) struct Priority {
    versions: Vec<&'static str>,
    ciphers: Vec<&'static str>,
    exchanges: Vec<&'static str>,
}

const TLS13: &str = "TLS1.3";
const TLS12: &str = "TLS1.2";
const AES128: &str = "AES-128-GCM";
const AES256: &str = "AES-256-GCM";
const CHACHA: &str = "CHACHA20-POLY1305";
const ECDHE_RSA: &str = "ECDHE-RSA";
const ECDHE_ECDSA: &str = "ECDHE-ECDSA";

/// The words that a text may begin with, and what they leave of the ciphers.
const BEGINNINGS: [(&str, &[&str]); 10] = [
    ("NORMAL", &[AES256, CHACHA, AES128]),
    ("PERFORMANCE", &[AES128, AES256, CHACHA]),
    ("LEGACY", &[AES256, CHACHA, AES128]),
    ("PFS", &[AES256, CHACHA, AES128]),
    ("SECURE128", &[AES256, CHACHA, AES128]),
    ("SECURE192", &[AES256, CHACHA]),
    ("SECURE256", &[AES256, CHACHA]),
    ("SUITEB128", &[AES256, AES128]),
    ("SUITEB192", &[AES256]),
    ("NONE", &[]),
];

/// Names that GnuTLS knows and that choose nothing here: what they stand for is not available, or not a choice.
const OTHERS: [&str; 46] = [
    "AES-128-CBC",
    "AES-256-CBC",
    "AES-192-CBC",
    "AES-192-GCM",
    "AES-128-CCM",
    "AES-256-CCM",
    "AES-128-CCM-8",
    "AES-256-CCM-8",
    "CAMELLIA-128-CBC",
    "CAMELLIA-192-CBC",
    "CAMELLIA-256-CBC",
    "CAMELLIA-128-GCM",
    "CAMELLIA-256-GCM",
    "3DES-CBC",
    "ARCFOUR-128",
    "NULL",
    "RSA",
    "DHE-RSA",
    "DHE-DSS",
    "PSK",
    "DHE-PSK",
    "ECDHE-PSK",
    "RSA-PSK",
    "ANON-DH",
    "ANON-ECDH",
    "SRP",
    "SRP-RSA",
    "SRP-DSS",
    "RSA-EXPORT",
    "GOSTR341112-256",
    "SHA1",
    "SHA256",
    "SHA384",
    "SHA512",
    "MD5",
    "AEAD",
    "UMAC-96",
    "UMAC-128",
    "COMP-NULL",
    "COMP-ALL",
    "MAC-ALL",
    "SIGN-ALL",
    "GROUP-ALL",
    "CTYPE-ALL",
    "CTYPE-X509",
    "CTYPE-X.509",
];
const CLASSES: [&str; 3] = ["SIGN-", "GROUP-", "CURVE-"];
const MODIFIERS: [&str; 22] = [
    "COMPAT",
    "DUMBFW",
    "NO_EXTENSIONS",
    "NO_STATUS_REQUEST",
    "NO_TICKETS",
    "NO_TICKETS_TLS12",
    "SERVER_PRECEDENCE",
    "SAFE_RENEGOTIATION",
    "UNSAFE_RENEGOTIATION",
    "PARTIAL_RENEGOTIATION",
    "DISABLE_SAFE_RENEGOTIATION",
    "STATELESS_COMPRESSION",
    "LATEST_RECORD_VERSION",
    "SSL3_RECORD_VERSION",
    "PROFILE_LOW",
    "PROFILE_LEGACY",
    "PROFILE_MEDIUM",
    "PROFILE_HIGH",
    "PROFILE_ULTRA",
    "PROFILE_FUTURE",
    "NO_ETM",
    "FORCE_ETM",
];
const VERSIONS: [&str; 8] = ["SSL3.0", "TLS1.0", "TLS1.1", TLS12, TLS13, "DTLS0.9", "DTLS1.0", "DTLS1.2"];

const NOT_KNOWN: &str = "The request is invalid.";
const NOTHING_LEFT: &str = "No or insufficient priorities were set.";

impl Default for Priority {
    fn default() -> Self {
        Priority {
            versions: vec![TLS13, TLS12],
            ciphers: vec![AES256, CHACHA, AES128],
            exchanges: vec![ECDHE_ECDSA, ECDHE_RSA],
        }
    }
}

impl Priority {
    /// What a text leaves, in GnuTLS' words when it leaves nothing.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut words = text.split(':');
        let first = words.next().unwrap_or_default();
        let (_, ciphers) = BEGINNINGS.iter().find(|(name, _)| *name == first).ok_or(NOT_KNOWN)?;
        let mut found = match first {
            "NONE" => Priority { versions: Vec::new(), ciphers: Vec::new(), exchanges: Vec::new() },
            _ => Priority { ciphers: ciphers.to_vec(), ..Priority::default() },
        };
        for word in words {
            if let Some(modifier) = word.strip_prefix('%') {
                if !MODIFIERS.contains(&modifier) {
                    return Err(NOT_KNOWN);
                }
                continue;
            }
            let (add, name) = match (word.strip_prefix('+'), word.strip_prefix(['-', '!'])) {
                (Some(name), _) => (true, name),
                (None, Some(name)) => (false, name),
                (None, None) => return Err(NOT_KNOWN),
            };
            found.change(add, name)?;
        }
        match found.versions.is_empty() || found.provider().cipher_suites.is_empty() {
            true => Err(NOTHING_LEFT),
            false => Ok(found),
        }
    }

    fn change(&mut self, add: bool, name: &str) -> Result<(), &'static str> {
        let all = Priority::default();
        let (list, known, name) = match name.strip_prefix("VERS-") {
            Some("ALL" | "TLS-ALL") => (&mut self.versions, all.versions, None),
            Some("DTLS-ALL") => return Ok(()),
            Some(name) if VERSIONS.contains(&name) => (&mut self.versions, all.versions, Some(name)),
            Some(_) => return Err(NOT_KNOWN),
            None if name == "CIPHER-ALL" => (&mut self.ciphers, all.ciphers, None),
            None if name == "KX-ALL" => (&mut self.exchanges, all.exchanges, None),
            None if all.ciphers.contains(&name) => (&mut self.ciphers, all.ciphers, Some(name)),
            None if all.exchanges.contains(&name) => (&mut self.exchanges, all.exchanges, Some(name)),
            None if OTHERS.contains(&name) || CLASSES.iter().any(|class| name.starts_with(class)) => {
                return Ok(());
            }
            None => return Err(NOT_KNOWN),
        };
        let named = |known: &&str| name.is_none_or(|name| **known == *name);
        list.retain(|known| !named(known));
        if add {
            list.extend(known.into_iter().filter(named));
        }
        Ok(())
    }

    /// The versions that are left.
    pub(super) fn versions(&self) -> Vec<&'static SupportedProtocolVersion> {
        let version = |name: &&str| match *name {
            TLS13 => &version::TLS13,
            _ => &version::TLS12,
        };
        self.versions.iter().map(version).collect()
    }

    /// The cryptography that is left.
    pub(super) fn provider(&self) -> CryptoProvider {
        let mut provider = ring::default_provider();
        provider.cipher_suites.retain(|suite| {
            let name = format!("{:?}", suite.suite());
            let has = |list: &[&str]| list.iter().any(|part| name.contains(&part.replace('-', "_")));
            // those of TLS 1.3 say nothing of key exchanges
            has(&self.ciphers) && (name.starts_with("TLS13") || has(&self.exchanges))
        });
        let place = |suite: CipherSuite| {
            let name = format!("{suite:?}");
            self.ciphers.iter().position(|cipher| name.contains(&cipher.replace('-', "_")))
        };
        provider.cipher_suites.sort_by_key(|suite| place(suite.suite()));
        provider
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(text: &str) -> Result<(usize, usize), &'static str> {
        Priority::parse(text).map(|left| (left.versions().len(), left.provider().cipher_suites.len()))
    }

    #[test]
    fn a_text_chooses() {
        assert_eq!(left("NORMAL"), Ok((2, 9)));
        assert_eq!(left("NORMAL:-VERS-TLS1.3"), Ok((1, 9)));
        assert_eq!(left("NORMAL:-VERS-ALL:+VERS-TLS1.2:%COMPAT"), Ok((1, 9)));
        assert_eq!(left("SECURE256:-ECDHE-ECDSA"), Ok((2, 4)));
        assert_eq!(left("NONE:+VERS-TLS1.3:+AES-128-GCM:+AEAD:+GROUP-X25519:+SIGN-ALL"), Ok((1, 1)));
        let performance = Priority::parse("PERFORMANCE").unwrap().provider();
        assert_eq!(performance.cipher_suites[0].suite(), CipherSuite::TLS13_AES_128_GCM_SHA256);
    }

    #[test]
    fn what_is_wrong_is_said_as_gnutls_does() {
        for text in [
            "",
            "BOGUS",
            "@SYSTEM",
            "NORMAL:BOGUS",
            "NORMAL:+BOGUS",
            "NORMAL:-VERS-FOO",
            "NORMAL:%BOGUS",
            "NORMAL:",
        ] {
            assert_eq!(left(text), Err(NOT_KNOWN), "{text}");
        }
        for text in [
            "NONE",
            "NORMAL:-VERS-ALL",
            "NORMAL:-VERS-ALL:+VERS-TLS1.0",
            "NORMAL:-CIPHER-ALL",
            "NONE:+VERS-ALL",
        ] {
            assert_eq!(left(text), Err(NOTHING_LEFT), "{text}");
        }
    }
}
