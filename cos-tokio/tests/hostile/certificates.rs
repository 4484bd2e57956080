//! Certificates that are wrong in one way each.

use std::{path::PathBuf, sync::Arc};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// A server's side of TLS, and a file with the root that a client trusts.
pub struct Identity {
    pub server: Arc<ServerConfig>,
    pub root: PemFile,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    None,
    UnknownRoot,
    OtherHost,
    Expired,
    NotYetValid,
}

impl Identity {
    /// For `localhost`, but for the flaw.
    pub fn new(flaw: Flaw) -> Self {
        let host = if flaw == Flaw::OtherHost { "other.example" } else { "localhost" };
        let key = KeyPair::generate().expect("a key");
        let mut parameters = CertificateParams::new([host.to_owned()]).expect("a name");
        match flaw {
            Flaw::Expired => parameters.not_after = date_time_ymd(2001, 1, 1),
            Flaw::NotYetValid => parameters.not_before = date_time_ymd(3000, 1, 1),
            Flaw::None | Flaw::UnknownRoot | Flaw::OtherHost => {}
        }
        let certificate = parameters.self_signed(&key).expect("a certificate");
        let trusted = if flaw == Flaw::UnknownRoot {
            let names = ["localhost".to_owned()];
            rcgen::generate_simple_self_signed(names).expect("another").cert.pem()
        } else {
            certificate.pem()
        };
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .expect("a usable key");
        Self { server: Arc::new(server), root: PemFile::new(&trusted) }
    }
}

/// A file that is removed with its owner.
pub struct PemFile(pub PathBuf);

impl PemFile {
    fn new(pem: &str) -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("cos-hostile-{}-{number}.pem", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, pem).expect("a file in the temporary directory");
        Self(path)
    }
}

impl Drop for PemFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
