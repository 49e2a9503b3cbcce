//! Certificates, made for the test.
#![allow(dead_code)] // not each of the tests needs all of it

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;

/// What is wrong with a certificate or with the directory it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    None,
    Expired,
    Early,
    Authority,
    NoFile,
    NoIdentity,
    Junk,
}

/// Who signs, and a server.
pub(crate) struct Pki {
    authority: CertifiedIssuer<'static, KeyPair>,
    name: String,
    server: Mistake,
}

fn leaf(name: &str, mistake: Mistake, purpose: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![purpose];
    match mistake {
        Mistake::Expired => params.not_after = date_time_ymd(2020, 1, 1),
        Mistake::Early => params.not_before = date_time_ymd(2999, 1, 1),
        Mistake::Authority => params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
        _ => {}
    }
    params
}

impl Pki {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "those whom we trust");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Pki { authority, name: name.to_owned(), server: Mistake::None }
    }

    pub(crate) fn with_server(self, mistake: Mistake) -> Self {
        Pki { server: mistake, ..self }
    }

    /// A server that lets in only those whom the same has signed.
    pub(crate) fn server(&self) -> Arc<rustls::ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let params = leaf(&self.name, self.server, ExtendedKeyUsagePurpose::ServerAuth);
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clients =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        Arc::new(config)
    }

    /// A directory with what a client needs.
    pub(crate) fn client(&self, mistake: Mistake) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| std::fs::write(directory.path().join(name), text).unwrap();
        match mistake {
            Mistake::NoFile => {}
            Mistake::Junk => write("cacert.pem", "junk".to_owned()),
            _ => write("cacert.pem", self.authority.pem()),
        }
        if mistake != Mistake::NoIdentity {
            let key = KeyPair::generate().unwrap();
            let params = leaf("client", mistake, ExtendedKeyUsagePurpose::ClientAuth);
            write("clientcert.pem", params.signed_by(&key, &self.authority).unwrap().pem());
            write("clientkey.pem", key.serialize_pem());
        }
        directory
    }
}
