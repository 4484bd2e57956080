//! Temporary credentials of the role that a CVM instance has, from its metadata service.

use std::{error::Error as _, sync::OnceLock};

use bytes::Bytes;
use cos_proto::{Credentials, CredentialsFailed, CvmMetadata};
use http::{Request, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use tokio::time::timeout;

use super::{CredentialsProvider, ProvidedCredentials};

/// Credentials of the CAM role bound to a CVM instance (COS documentation 213/4934): the metadata
/// service names the role, then gives its temporary credentials with their expiry. No proxy is used.
#[derive(Debug)]
pub struct CvmRole {
    service: CvmMetadata,
    /// Made when first used, since it belongs to a runtime.
    http: OnceLock<Client<HttpConnector, Empty<Bytes>>>,
}

impl CvmRole {
    /// The role that the metadata service names, at its usual address.
    pub fn new() -> Self {
        Self { service: CvmMetadata::default(), http: OnceLock::new() }
    }

    /// The metadata service at another base URL, such as `http://127.0.0.1:8080`.
    pub fn at(base: impl Into<String>) -> Self {
        Self { service: CvmMetadata::at(base), http: OnceLock::new() }
    }

    /// This role, without asking for its name.
    #[must_use]
    pub fn role(mut self, name: impl Into<String>) -> Self {
        self.service = self.service.with_role(name);
        self
    }

    async fn fetch(&self) -> Result<Credentials, CredentialsFailed> {
        let role = match self.service.role() {
            Some(role) => role.to_owned(),
            None => CvmMetadata::first_role(&self.get(&self.service.roles_url()).await?)?,
        };
        parse(&self.get(&self.service.credentials_url(&role)).await?)
    }

    async fn get(&self, url: &str) -> Result<Bytes, CredentialsFailed> {
        let answer = self.answer(url);
        timeout(CvmMetadata::TIME_LIMIT, answer)
            .await
            .unwrap_or_else(|_| Err(CvmMetadata::failed(url, &"no answer")))
    }

    async fn answer(&self, url: &str) -> Result<Bytes, CredentialsFailed> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() =
            url.parse::<Uri>().map_err(|error| CvmMetadata::failed(url, &error))?;
        let http = self.http.get_or_init(|| {
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http()
        });
        let response = http.request(request).await.map_err(|error| {
            // hyper's own text says little.
            match error.source() {
                Some(cause) => CvmMetadata::failed(url, &cause),
                None => CvmMetadata::failed(url, &error),
            }
        })?;
        CvmMetadata::check(url, response.status())?;
        let body = Limited::new(response.into_body(), CvmMetadata::ANSWER_BYTES_MAX);
        let collected = body.collect().await.map_err(|error| CvmMetadata::failed(url, &error))?;
        Ok(collected.to_bytes())
    }
}

impl Default for CvmRole {
    fn default() -> Self {
        Self::new()
    }
}

impl CredentialsProvider for CvmRole {
    fn credentials(&self) -> ProvidedCredentials<'_> {
        Box::pin(self.fetch())
    }
}

fn parse(document: &[u8]) -> Result<Credentials, CredentialsFailed> {
    // What is wrong with it may hold a secret.
    let document: Value = serde_json::from_slice(document).map_err(|_| CvmMetadata::not_json())?;
    CvmMetadata::credentials(
        |name| document.get(name).and_then(Value::as_str),
        |name| document.get(name).and_then(Value::as_i64),
    )
}
