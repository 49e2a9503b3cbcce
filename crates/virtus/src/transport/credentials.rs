//! Whom we trust, and who we are: certificates and keys, where libvirt has them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::priority::Priority;

/// What a TLS session needs to know.
#[derive(Debug)]
pub(crate) struct Credentials {
    authorities: Vec<CertificateDer<'static>>,
    revoked: Vec<CertificateRevocationListDer<'static>>,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    priority: Priority,
    verify: bool,
}

/// Where they are.
#[derive(Debug, PartialEq, Eq)]
struct Places {
    authority: PathBuf,
    revoked: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl Places {
    fn in_one(directory: &Path) -> Self {
        Places {
            authority: directory.join("cacert.pem"),
            revoked: directory.join("cacrl.pem"),
            certificate: directory.join("clientcert.pem"),
            key: directory.join("clientkey.pem"),
        }
    }

    /// In the directory that is named; else in the user's, for what is there, and in the system's.
    fn find(named: Option<&str>, root: bool) -> Self {
        if let Some(directory) = named {
            return Places::in_one(Path::new(directory));
        }
        let system = Places {
            authority: "/etc/pki/CA/cacert.pem".into(),
            revoked: "/etc/pki/CA/cacrl.pem".into(),
            certificate: "/etc/pki/libvirt/clientcert.pem".into(),
            key: "/etc/pki/libvirt/private/clientkey.pem".into(),
        };
        if root {
            return system;
        }
        let user = Places::in_one(&crate::config::home().join(".pki/libvirt"));
        let (authority, revoked) = match user.authority.exists() {
            true => (user.authority, user.revoked),
            false => (system.authority, system.revoked),
        };
        let (certificate, key) = match user.certificate.exists() && user.key.exists() {
            true => (user.certificate, user.key),
            false => (system.certificate, system.key),
        };
        Places { authority, revoked, certificate, key }
    }
}

impl Credentials {
    /// Reads the certificates: those in `directory`, or where the user or the system has them. `sane` has ours
    /// looked at for mistakes, `verify` has the server's checked; `priority` is a GnuTLS priority text.
    ///
    /// # Errors
    /// `SYSTEM_ERROR` for what cannot be read or is no good.
    pub(crate) fn load(
        directory: Option<&str>,
        priority: Option<&str>,
        sane: bool,
        verify: bool,
    ) -> Result<Self> {
        let places = Places::find(directory, rustix::process::geteuid().is_root());
        let authorities = certificates(&places.authority, AUTHORITY)?;
        let revoked = match std::fs::read(&places.revoked) {
            Ok(pem) => CertificateRevocationListDer::pem_slice_iter(&pem)
                .collect::<std::result::Result<_, _>>()
                .map_err(|e| {
                    bad(format!(
                        "Unable to set x509 certificate revocation list: {}: {e}",
                        places.revoked.display()
                    ))
                })?,
            Err(_) => Vec::new(),
        };
        let identity = match places.certificate.exists() && places.key.exists() {
            true => Some(identity(&places)?),
            false => None,
        };
        if sane {
            for authority in &authorities {
                check(authority, "CA", &places.authority)?;
            }
            if let Some(own) = identity.as_ref().and_then(|(chain, _)| chain.first()) {
                check(own, "client", &places.certificate)?;
                check_pair(&authorities, own, &places)?;
            }
        }
        let priority = chosen(priority)?;
        Ok(Credentials { authorities, revoked, identity, priority, verify })
    }

    /// How sessions with them are made.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>> {
        let provider = Arc::new(self.priority.provider());
        let wrong = |e: rustls::Error| bad(format!("Failed to initialize TLS session: {e}"));
        let verifier = Arc::new(Verifier::new(self, provider.clone())?);
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&self.priority.versions())
            .map_err(wrong)?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let config = match &self.identity {
            Some((chain, key)) => {
                config.with_client_auth_cert(chain.clone(), key.clone_key()).map_err(wrong)?
            }
            None => config.with_no_client_auth(),
        };
        Ok(Arc::new(config))
    }
}

/// What a GnuTLS priority text leaves of what there is.
fn chosen(text: Option<&str>) -> Result<Priority> {
    let Some(text) = text else { return Ok(Priority::default()) };
    Priority::parse(text).map_err(|why| bad(format!("Failed to set TLS session priority to {text}: {why}")))
}

const AUTHORITY: &str = "CA certificate";

fn certificates(path: &Path, what: &str) -> Result<Vec<CertificateDer<'static>>> {
    let pem = std::fs::read(path).map_err(|e| {
        Error::system(ErrorDomain::RPC, format!("Cannot read {what} '{}'", path.display()), &e)
    })?;
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        // libvirt's word for those whom we trust, of whom there may be several
        _ if what == AUTHORITY => Err(bad(format!("Unable to import {what} list {}", path.display()))),
        _ => Err(bad(format!("Unable to import {what} {}", path.display()))),
    }
}

fn identity(places: &Places) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let chain = certificates(&places.certificate, "client certificate")?;
    let key = PrivateKeyDer::from_pem_file(&places.key).map_err(|e| {
        bad(format!(
            "Unable to set x509 key and certificate: {}, {}: {e}",
            places.key.display(),
            places.certificate.display()
        ))
    })?;
    Ok((chain, key))
}

/// Whether one of our own certificates is one that others can accept.
fn check(certificate: &CertificateDer<'_>, kind: &str, path: &Path) -> Result<()> {
    let path = path.display();
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
        return Err(bad(format!("Unable to import {kind} certificate {path}")));
    };
    let now = x509_parser::time::ASN1Time::now();
    if parsed.validity().not_after < now {
        return Err(bad(format!("The {kind} certificate {path} has expired")));
    }
    if parsed.validity().not_before > now {
        return Err(bad(format!("The {kind} certificate {path} is not yet active")));
    }
    match (parsed.basic_constraints(), kind) {
        (Ok(Some(constraints)), "CA") if !constraints.value.ca => {
            Err(bad(format!("The certificate {path} basic constraints do not show a CA")))
        }
        (Ok(None), "CA") => Err(bad(format!("The certificate {path} is missing basic constraints for a CA"))),
        (Ok(Some(constraints)), "client") if constraints.value.ca => Err(bad(format!(
            "The certificate {path} basic constraints show a CA, but we need one for a client"
        ))),
        _ => Ok(()),
    }
}

/// Whether those whom we trust have signed our own certificate: else the server will not take it.
fn check_pair(
    authorities: &[CertificateDer<'static>],
    own: &CertificateDer<'_>,
    places: &Places,
) -> Result<()> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities.iter().cloned());
    let provider = Arc::new(ring::default_provider());
    let failed = |why: &str| {
        bad(format!(
            "Our own certificate {} failed validation against {}: {why}",
            places.certificate.display(),
            places.authority.display()
        ))
    };
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|_| failed("The certificate hasn't got a known issuer."))?;
    match verifier.verify_client_cert(own, &[], UnixTime::now()) {
        Ok(_) => Ok(()),
        Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            Err(failed("The certificate hasn't got a known issuer."))
        }
        Err(rustls::Error::InvalidCertificate(CertificateError::Revoked)) => {
            Err(failed("The certificate has been revoked."))
        }
        Err(_) => Err(failed("The certificate is not trusted.")),
    }
}

fn bad(text: String) -> Error {
    Error::new(ErrorDomain::RPC, ErrorCode::SYSTEM_ERROR, text)
}

/// Checks a server's certificate as GnuTLS does: one without alternative names is taken by its common name.
#[derive(Debug)]
struct Verifier {
    inner: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn new(credentials: &Credentials, provider: Arc<CryptoProvider>) -> Result<Self> {
        if !credentials.verify {
            return Ok(Verifier { inner: None, provider });
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(credentials.authorities.iter().cloned());
        let mut builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        if !credentials.revoked.is_empty() {
            builder =
                builder.with_crls(credentials.revoked.iter().cloned()).allow_unknown_revocation_status();
        }
        let inner = builder.build().map_err(|e| bad(format!("Unable to set x509 CA certificate: {e}")))?;
        Ok(Verifier { inner: Some(inner), provider })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let Some(inner) = &self.inner else { return Ok(ServerCertVerified::assertion()) };
        // the chain is checked before the name is: a certificate that fails by its name is otherwise good
        match inner.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if is_named(certificate, &name.to_str()) => Ok(ServerCertVerified::assertion()),
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Whether a certificate without alternative names has this one as its common name.
fn is_named(certificate: &CertificateDer<'_>, name: &str) -> bool {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else { return false };
    let plain = matches!(parsed.subject_alternative_name(), Ok(None));
    plain
        && parsed
            .subject()
            .iter_common_name()
            .any(|cn| cn.as_str().is_ok_and(|cn| cn.eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_where_libvirt_has_them() {
        let places = Places::find(Some("/pki"), true);
        assert_eq!(places.key, Path::new("/pki/clientkey.pem"));
        let places = Places::find(None, true);
        assert_eq!(places.authority, Path::new("/etc/pki/CA/cacert.pem"));
        assert_eq!(places.key, Path::new("/etc/pki/libvirt/private/clientkey.pem"));
        let error = Credentials::load(Some("/nonexistent"), None, true, true).unwrap_err();
        assert_eq!(
            error.message(),
            "Cannot read CA certificate '/nonexistent/cacert.pem': No such file or directory"
        );
    }
}
