//! Credentials from environment variables.

use std::{env, future::ready};

use cos_proto::Credentials;

use super::{CredentialsProvider, ProvidedCredentials};

/// Credentials from environment variables, read when they are asked for;
/// [`Credentials::from_variables`] says which.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to configure")]
pub struct Environment;

impl CredentialsProvider for Environment {
    fn credentials(&self) -> ProvidedCredentials<'_> {
        Box::pin(ready(Credentials::from_variables(|name| env::var(name).ok())))
    }
}
