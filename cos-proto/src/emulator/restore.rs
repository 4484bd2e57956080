//! POST Object restore (COS product page 436/12633).

use http::StatusCode;

use super::{
    errors::{Code, Refusal},
    reply::Reply,
    request::Request,
    world::{Archive, World},
};

/// An archived object is restored at once; any other cannot be.
pub(super) fn restore(world: &mut World, request: &Request<'_>) -> Result<Reply, Refusal> {
    let object = world.change(request)?.0.object_mut(request.key())?;
    if !object.is_frozen() {
        return Err(Code::RestoreNonArchiveObject.into());
    }
    object.archive = Archive::Restored;
    Ok(Reply::new(StatusCode::ACCEPTED))
}
