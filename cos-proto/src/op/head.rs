//! Describes one object.
//!
//! ```text
//! HEAD key ──200──▶ done
//! ```

use super::once::Once;
use crate::{
    Call, CallError, Error, Key, Next, ObjectMeta, Operation, Rejected, Reply,
    api::{self, GetOptions},
};

/// HEAD Object (436/7745): size, ETag, checksum and metadata of an object.
///
/// # Errors
/// [`ErrorKind::PathNotFound`](crate::ErrorKind::PathNotFound) if there is no such object;
/// [`ErrorKind::Changed`](crate::ErrorKind::Changed) (412) or
/// [`ErrorKind::NotModified`](crate::ErrorKind::NotModified) (304) if a condition in the options
/// fails.
#[derive(Debug)]
pub struct Head {
    key: Key,
    options: GetOptions,
    state: Once<ObjectMeta>,
}

impl Head {
    /// Describes the object at `key`. A range in the options has no effect.
    pub fn new(key: Key, options: GetOptions) -> Self {
        Self { key, options, state: Once::Ready }
    }
}

impl Operation for Head {
    type Tag = ();
    type Output = Result<ObjectMeta, Error>;

    fn next(&mut self) -> Next<(), Self::Output> {
        self.state.next()
    }

    fn call(&self, (): ()) -> Call {
        api::head_object::call(&self.key, &self.options)
    }

    fn on_reply(&mut self, (): (), reply: Reply) -> Result<(), Rejected> {
        self.state = Once::Over(Ok(api::head_object::decode(&reply)?));
        Ok(())
    }

    fn on_error(&mut self, (): (), error: CallError) {
        self.state = Once::Over(Err(error.into_error().at(self.key.as_str())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ErrorKind, Reported,
        op::testing::{Steps, key, refused, reply},
    };

    #[test]
    fn describes_the_object() {
        let mut head = Head::new(key("a"), GetOptions::new().version_id("v"));
        head.starts();
        assert!(head.is_pending());
        assert_eq!(crate::op::testing::query(&head.call(()), "versionId"), Some("v"));
        let headers = [("content-length", "3"), ("etag", "\"e\""), ("x-cos-hash-crc64ecma", "7")];
        head.on_reply((), reply(200, &headers, "")).expect("accepted");
        let meta = head.ends().expect("found");
        assert_eq!((meta.size, meta.etag.as_str(), meta.crc64), (3, "e", Reported::Value(7)));
    }

    #[test]
    fn a_404_without_a_code_is_path_not_found_with_the_key() {
        let mut head = Head::new(key("a"), GetOptions::new());
        head.starts();
        head.on_error((), refused(404, ""));
        let error = head.ends().expect_err("missing");
        assert_eq!((error.kind(), error.path()), (&ErrorKind::PathNotFound, Some("a")));
    }

    #[test]
    fn an_answer_without_a_size_is_asked_for_again() {
        let mut head = Head::new(key("a"), GetOptions::new());
        head.starts();
        let refused = head.on_reply((), reply(200, &[("etag", "e")], ""));
        assert!(matches!(refused, Err(Rejected::Retry(_))), "{refused:?}");
        assert!(head.is_pending());
    }
}
