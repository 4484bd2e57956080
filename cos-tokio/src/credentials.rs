//! Where credentials come from.

mod cvm_role;
mod environment;
mod flight;

use std::{fmt, future::ready, pin::Pin};

use cos_proto::{Credentials, CredentialsFailed};

pub(crate) use self::flight::SingleFlight;
pub use self::{cvm_role::CvmRole, environment::Environment};

/// What a [`CredentialsProvider`] returns.
pub type ProvidedCredentials<'a> =
    Pin<Box<dyn Future<Output = Result<Credentials, CredentialsFailed>> + Send + 'a>>;

/// Gives credentials, and newer ones when they expire or COS refuses them.
///
/// A client asks when a request needs to be signed and it has no credentials that are still good:
/// one call at a time, however many operations wait for it. Credentials with an expiry are asked
/// for again some minutes before; see [`Credentials::expiring`].
///
/// ```
/// use cos_proto::Credentials;
/// use cos_tokio::{CredentialsProvider, ProvidedCredentials};
///
/// #[derive(Debug)]
/// struct Vault;
///
/// impl CredentialsProvider for Vault {
///     fn credentials(&self) -> ProvidedCredentials<'_> {
///         Box::pin(async { Ok(Credentials::new("AKID…", "…")) })
///     }
/// }
/// ```
pub trait CredentialsProvider: fmt::Debug + Send + Sync {
    /// Fetches credentials.
    ///
    /// # Errors
    /// None could be had; the operations that wait for them fail with
    /// [`ErrorKind::Credentials`](cos_proto::ErrorKind::Credentials). The text must not hold secrets.
    fn credentials(&self) -> ProvidedCredentials<'_>;
}

/// Credentials that the program has: always the same.
impl CredentialsProvider for Credentials {
    fn credentials(&self) -> ProvidedCredentials<'_> {
        Box::pin(ready(Ok(self.clone())))
    }
}
