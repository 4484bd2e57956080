//! Who may do what: signatures first, then access control lists.

use super::{
    errors::{Code, Refusal, invalid},
    request::Request,
    routing::{Access, Action},
    world::World,
};
use crate::{
    Credentials,
    verify::{Denial, Identity, Presented, verify},
};

/// Verifies the signature, if there is one.
pub(super) fn authenticate(
    request: &Request<'_>,
    credentials: &[Credentials],
) -> Result<Identity, Refusal> {
    let presented = Presented {
        method: request.method,
        path: &request.path,
        params: &request.params,
        headers: &request.headers,
        hosts: &request.hosts,
    };
    verify(&presented, credentials, request.now.unix()).map_err(|denial| match denial {
        Denial::Malformed(what) => invalid(format!("Authorization: {what}")),
        // A token that is not the key's own is a problem of credentials, as an unknown key is.
        Denial::UnknownId | Denial::WrongToken => Code::InvalidAccessKeyId.into(),
        Denial::ExpiredToken => Code::ExpiredToken.into(),
        Denial::TooSkewed => Code::RequestTimeTooSkewed.into(),
        Denial::Expired => Code::AccessDenied.saying("Request has expired"),
        Denial::Mismatch { string_to_sign, format_string } => {
            Refusal::from(Code::SignatureDoesNotMatch)
                .with("StringToSign", string_to_sign)
                .with("FormatString", format_string)
        }
    })
}

/// Whether the one who asks may do this.
pub(super) fn authorise(
    world: &World,
    request: &Request<'_>,
    action: Action,
) -> Result<(), Refusal> {
    if matches!(action, Action::GetService | Action::PutBucket | Action::OptionsObject) {
        return match (action, request.identity) {
            (Action::OptionsObject, _) | (_, Identity::Account) => Ok(()),
            (_, Identity::Anonymous) => Err(Code::AccessDenied.into()),
        };
    }
    let bucket = world.bucket(request.bucket())?;
    if request.identity == Identity::Account {
        return Ok(());
    }
    let bucket_reads = bucket.acl.reads().unwrap_or(false);
    let allowed = match action.access() {
        Access::Anyone => true,
        Access::Owner => false,
        Access::ReadBucket => bucket_reads,
        Access::WriteBucket => bucket.acl.writes(),
        Access::ReadObject => match bucket.find(request.key()) {
            Some(object) => object.acl.reads().unwrap_or(bucket_reads),
            None => bucket_reads,
        },
    };
    if allowed { Ok(()) } else { Err(Code::AccessDenied.into()) }
}
