//! Temporary credentials of the role that a CVM instance has, from its metadata service.

use cos_proto::{Credentials, CredentialsFailed, CvmMetadata};
use serde_json::Value;
use ureq::Agent;

use super::CredentialsProvider;
use crate::transport;

/// Credentials of the CAM role bound to a CVM instance (COS documentation 213/4934): the metadata
/// service names the role, then gives its temporary credentials with their expiry. No proxy is used.
#[derive(Debug)]
pub struct CvmRole {
    service: CvmMetadata,
    agent: Agent,
}

impl CvmRole {
    /// The role that the metadata service names, at its usual address.
    pub fn new() -> Self {
        Self::of(CvmMetadata::default())
    }

    /// The metadata service at another base URL, such as `http://127.0.0.1:8080`.
    pub fn at(base: impl Into<String>) -> Self {
        Self::of(CvmMetadata::at(base))
    }

    fn of(service: CvmMetadata) -> Self {
        Self { service, agent: transport::direct_agent(CvmMetadata::TIME_LIMIT) }
    }

    /// This role, without asking for its name.
    #[must_use]
    pub fn role(mut self, name: impl Into<String>) -> Self {
        self.service = self.service.with_role(name);
        self
    }

    fn get(&self, url: &str) -> Result<Vec<u8>, CredentialsFailed> {
        let limit = CvmMetadata::TIME_LIMIT;
        let request = self.agent.get(url).config().timeout_global(Some(limit)).build();
        let response = request.call().map_err(|error| CvmMetadata::failed(url, &error))?;
        CvmMetadata::check(url, response.status())?;
        let body = response.into_body().into_with_config();
        let body = body.limit(CvmMetadata::ANSWER_BYTES_MAX as u64).read_to_vec();
        body.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => CvmMetadata::failed(url, &"the answer is too long"),
            error => CvmMetadata::failed(url, &error),
        })
    }
}

impl Default for CvmRole {
    fn default() -> Self {
        Self::new()
    }
}

impl CredentialsProvider for CvmRole {
    fn credentials(&self) -> Result<Credentials, CredentialsFailed> {
        let role = match self.service.role() {
            Some(role) => role.to_owned(),
            None => CvmMetadata::first_role(&self.get(&self.service.roles_url())?)?,
        };
        parse(&self.get(&self.service.credentials_url(&role))?)
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
