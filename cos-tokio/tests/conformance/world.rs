//! The buckets that the suite runs on: the emulator over TCP or TLS, and a real one.

use std::{
    collections::BTreeMap,
    env, fs,
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cos_proto::{
    config::{Builder, Config},
    conformance::{Fetched, Options},
    emulator::{Emulator, Settings},
};
use cos_tokio::emulator::{Listen, Server};
use http::{Method, Request};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use ureq::{
    Agent,
    tls::{Certificate, RootCerts, TlsConfig},
};

/// A bucket, and a plain HTTP client that reaches it.
pub struct World {
    server: Option<Server>,
    agent: Agent,
    /// The parameters of a driver on the bucket.
    pub builder: Builder,
    _certificate: Option<PemFile>,
}

impl World {
    /// An emulator over HTTP.
    pub fn tcp() -> Self {
        Self::emulated(Listen::default(), None)
    }

    /// An emulator over HTTPS, with a certificate made now.
    pub fn tls() -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(names).expect("a certificate");
        let (certificate, key) = (cert.pem(), signing_key.serialize_pem());
        let listen = Listen::default().tls(certificate.as_bytes(), key.as_bytes());
        Self::emulated(listen.expect("a usable certificate"), Some(PemFile::new(&certificate)))
    }

    fn emulated(listen: Listen, certificate: Option<PemFile>) -> Self {
        let settings = Settings::default();
        let credentials = settings.credentials.first().expect("credentials").clone();
        let (bucket, region) = (settings.buckets[0].clone(), settings.region.clone());
        let server = Server::start_blocking(settings, listen).expect("a listening server");
        let mut builder = Config::builder()
            .secret(credentials.secret_id(), credentials.secret_key().expose())
            .bucket(bucket)
            .region(region)
            .endpoint(server.endpoint())
            .root_directory("/conformance");
        let mut roots = RootCerts::Specific(Arc::new(Vec::new()));
        if let Some(file) = &certificate {
            builder = builder.parameter("rootca", file.0.to_str().expect("a path as text"));
            let pem = fs::read(&file.0).expect("the certificate");
            let root = Certificate::from_pem(&pem).expect("a certificate").to_owned();
            roots = RootCerts::Specific(Arc::new(vec![root]));
        }
        Self { server: Some(server), agent: agent(roots), builder, _certificate: certificate }
    }

    /// The bucket that the test variables name, if they do; below a prefix of its own.
    pub fn real() -> Option<Self> {
        let variables = env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let builder = Builder::default().test_variables(variables).expect("valid variables")?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        let root = format!("/conformance-{}", since.as_nanos());
        let roots = rustls_native_certs::load_native_certs().certs;
        let roots = roots.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
        Some(Self {
            server: None,
            agent: agent(RootCerts::Specific(Arc::new(roots))),
            builder: builder.root_directory(root),
            _certificate: None,
        })
    }

    pub fn advance(&self, by: Duration) {
        match &self.server {
            Some(server) => server.advance(by),
            None => thread::sleep(by),
        }
    }

    pub fn with_emulator(&self, look: &mut dyn FnMut(&mut Emulator)) -> bool {
        self.server.as_ref().map(|server| server.with(look)).is_some()
    }

    pub fn fetch(&self, method: &Method, url: &str) -> Result<Fetched, String> {
        let request = Request::builder().method(method).uri(url).body(());
        let request = request.map_err(|error| error.to_string())?;
        let mut response = self.agent.run(request).map_err(|error| error.to_string())?;
        let headers: BTreeMap<String, String> = response
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect();
        let status = response.status().as_u16();
        let body = response.body_mut().read_to_vec().map_err(|error| error.to_string())?;
        Ok(Fetched { status, headers, body: body.into() })
    }
}

fn agent(roots: RootCerts) -> Agent {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls =
        TlsConfig::builder().unversioned_rustls_crypto_provider(provider).root_certs(roots).build();
    Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .build()
        .into()
}

/// The full sizes if `COS_TEST_LARGE` is 1.
pub fn options() -> Options {
    Options::new().large(env::var("COS_TEST_LARGE").is_ok_and(|value| value == "1"))
}

/// A file that is removed with the world.
struct PemFile(PathBuf);

impl PemFile {
    fn new(pem: &str) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        let name = format!("cos-conformance-{}-{}.pem", std::process::id(), since.as_nanos());
        let path = env::temp_dir().join(name);
        fs::write(&path, pem).expect("a file in the temporary directory");
        Self(path)
    }
}

impl Drop for PemFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
