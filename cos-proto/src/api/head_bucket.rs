//! HEAD Bucket (436/7735): 200 if it exists and may be accessed.

use http::Method;

use crate::{Call, CallKind};

/// Asks for the bucket.
pub(crate) fn call() -> Call {
    Call::new(CallKind::HeadBucket, Method::HEAD, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::assert_wire;

    #[test]
    fn asks_for_the_root() {
        assert_wire(call(), &["HEAD /"]);
    }
}
