//! What HTTPS connections trust: the system's roots and `rootca`, nothing built in.

use std::{path::Path, sync::Arc};

use cos_proto::{Error, ErrorKind};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// A TLS configuration that trusts the system's roots and those in the PEM file `root_ca`.
///
/// # Errors
/// [`ErrorKind::InvalidParameter`] naming `rootca`: the file cannot be read or holds no certificate,
/// or there is no root at all.
pub(crate) fn client_config(root_ca: Option<&Path>) -> Result<Arc<ClientConfig>, Error> {
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::warn!(%error, "a system root certificate cannot be read");
    }
    with_roots(system.certs, root_ca)
}

fn with_roots(
    system: Vec<CertificateDer<'static>>,
    root_ca: Option<&Path>,
) -> Result<Arc<ClientConfig>, Error> {
    let mut roots = RootCertStore::empty();
    // Stores hold certificates that rustls does not take; it is the rest that counts.
    roots.add_parsable_certificates(system);
    if let Some(path) = root_ca {
        for certificate in read(path)? {
            roots.add(certificate).map_err(|error| refused(path, &error))?;
        }
    }
    if roots.is_empty() {
        return Err(Error::new(
            ErrorKind::InvalidParameter,
            "no root certificate to trust: the system has none and parameter rootca is not set; \
             set it to a PEM file, or set secure to false",
        ));
    }
    trusting(roots)
}

/// A configuration that trusts exactly these roots.
pub(crate) fn trusting(roots: RootCertStore) -> Result<Arc<ClientConfig>, Error> {
    let mut config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::new(ErrorKind::Transport, format!("TLS: {error}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| refused(path, &error))?;
    if certificates.is_empty() {
        return Err(refused(path, &"it holds no certificate"));
    }
    Ok(certificates)
}

fn refused(path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::invalid_parameter(
        "rootca",
        &path.to_string_lossy(),
        &format!("must be a PEM file of root certificates: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_root_at_all_is_an_error_that_names_rootca() {
        let error = with_roots(Vec::new(), None).expect_err("no roots");
        assert_eq!(error.kind(), &ErrorKind::InvalidParameter);
        assert!(error.to_string().contains("rootca"), "{error}");
    }

    #[test]
    fn a_root_file_that_is_none_is_an_error_that_names_it() {
        let folder = std::env::temp_dir();
        let empty = folder.join(format!("cos-tokio-no-certificates-{}.pem", std::process::id()));
        std::fs::write(&empty, "no certificates here\n").expect("written");
        for path in [&empty, &folder.join("cos-tokio-absent.pem")] {
            let error = with_roots(Vec::new(), Some(path)).expect_err("no roots").to_string();
            assert!(error.contains("rootca") && error.contains("cos-tokio-"), "{error}");
        }
        std::fs::remove_file(empty).expect("removed");
    }

    #[test]
    fn a_root_file_alone_is_enough() {
        let root = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("root");
        let path = std::env::temp_dir().join(format!("cos-tokio-root-{}.pem", std::process::id()));
        std::fs::write(&path, root.cert.pem()).expect("written");
        let config = with_roots(Vec::new(), Some(&path));
        std::fs::remove_file(path).expect("removed");
        assert_eq!(config.expect("trusts it").alpn_protocols, [b"http/1.1".to_vec()]);
    }
}
