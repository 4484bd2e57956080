//! DELETE Object (436/7743): 204, also where there was no object.

use http::Method;

use crate::{Call, CallKind, Key};

/// Deletes the object, or one version of it for good.
pub(crate) fn call(key: &Key, version: Option<&str>) -> Call {
    let call = Call::new(CallKind::DeleteObject, Method::DELETE, Some(key.clone()));
    match version {
        Some(version) => call.query("versionId", version),
        None => call,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{assert_wire, key};

    #[test]
    fn names_the_version_if_there_is_one() {
        assert_wire(call(&key("a/b"), None), &["DELETE /a/b"]);
        assert_wire(call(&key("a/b"), Some("v=")), &["DELETE /a/b?versionId=v%3D"]);
    }
}
