//! Credentials from environment variables.

use std::env;

use cos_proto::{Credentials, CredentialsFailed};

use super::CredentialsProvider;

/// Credentials from environment variables, read when they are asked for;
/// [`Credentials::from_variables`] says which.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to configure")]
pub struct Environment;

impl CredentialsProvider for Environment {
    fn credentials(&self) -> Result<Credentials, CredentialsFailed> {
        Credentials::from_variables(|name| env::var(name).ok())
    }
}
