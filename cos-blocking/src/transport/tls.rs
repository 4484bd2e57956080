//! Which certificates are trusted: the system's roots, and those of `rootca`.

use std::{path::Path, sync::Arc};

use cos_proto::{Error, ErrorKind};
use rustls::pki_types::CertificateDer;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

pub(super) fn config(root_ca: Option<&Path>) -> Result<TlsConfig, Error> {
    let native = rustls_native_certs::load_native_certs();
    let roots = roots(native.certs, root_ca)?;
    let roots = roots.iter().map(|root| Certificate::from_der(root).to_owned());
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::Specific(Arc::new(roots.collect())))
        .build())
}

/// The roots to trust.
///
/// # Errors
/// [`ErrorKind::InvalidParameter`] naming `rootca`: it cannot be read, it holds no certificate, or
/// there is no root certificate at all without it.
fn roots(
    mut system: Vec<CertificateDer<'static>>,
    root_ca: Option<&Path>,
) -> Result<Vec<CertificateDer<'static>>, Error> {
    if let Some(path) = root_ca {
        let name = path.display().to_string();
        let refuse = |rule: &str| Error::invalid_parameter("rootca", &name, rule);
        let file = rustls_native_certs::load_certs_from_paths(Some(path), None);
        if let Some(error) = file.errors.into_iter().next() {
            return Err(refuse("must be a PEM file of certificates").with_source(Arc::new(error)));
        }
        if file.certs.is_empty() {
            return Err(refuse("must hold at least one certificate in PEM form"));
        }
        system.extend(file.certs);
    }
    if system.is_empty() {
        let text = "parameter rootca: this system has no root certificates, so rootca must name a \
                    PEM file of them";
        return Err(Error::new(ErrorKind::InvalidParameter, text));
    }
    Ok(system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_root_at_all_is_an_error_that_names_rootca() {
        let error = roots(Vec::new(), None).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidParameter);
        assert!(error.to_string().contains("rootca"), "{error}");
    }

    #[test]
    fn a_file_that_is_missing_or_holds_no_certificate_is_named() {
        let system = vec![CertificateDer::from(vec![0])];
        for path in ["/nonexistent/roots.pem", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")] {
            let error = roots(system.clone(), Some(Path::new(path))).unwrap_err();
            let text = error.to_string();
            assert!(text.contains("rootca") && text.contains(path), "{text}");
        }
        assert_eq!(roots(system, None).unwrap().len(), 1);
    }
}
