//! Where and how a server listens.

use std::{fmt, net::SocketAddr, sync::Arc};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::{
    record::{Record, Recorder},
    server::StartError,
};

/// Where and how a server listens; by default on a free port of 127.0.0.1, by plain HTTP.
#[derive(Clone)]
pub struct Listen {
    pub(super) address: SocketAddr,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) recorder: Option<Recorder>,
}

impl Default for Listen {
    fn default() -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 0)), tls: None, recorder: None }
    }
}

impl Listen {
    /// Listens at this address; port 0 is a free one.
    pub fn at(address: SocketAddr) -> Self {
        Self { address, ..Self::default() }
    }

    /// Speaks HTTPS with this certificate chain and private key, both PEM.
    ///
    /// # Errors
    /// [`StartError::Certificate`] or [`StartError::Key`] if one cannot be used.
    pub fn tls(mut self, certificate: &[u8], key: &[u8]) -> Result<Self, StartError> {
        let chain = CertificateDer::pem_slice_iter(certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| StartError::Certificate(error.to_string()))?;
        if chain.is_empty() {
            return Err(StartError::Certificate("it holds no certificate".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|error| StartError::Key(error.to_string()))?;
        // The provider is named, so that a process default, or its lack, changes nothing.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| StartError::Key(error.to_string()))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        self.tls = Some(Arc::new(config));
        Ok(self)
    }

    /// Calls this with a record of each request when its answer has ended. It must not block.
    #[must_use]
    pub fn record(mut self, recorder: impl Fn(&Record) + Send + Sync + 'static) -> Self {
        self.recorder = Some(Arc::new(recorder));
        self
    }
}

impl fmt::Debug for Listen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Listen")
            .field("address", &self.address)
            .field("tls", &self.tls.is_some())
            .field("recorder", &self.recorder.is_some())
            .finish()
    }
}
