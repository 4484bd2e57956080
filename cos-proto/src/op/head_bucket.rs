//! Asks whether the bucket exists and may be used.
//!
//! ```text
//! HEAD / ──200──▶ done
//! ```

use super::once::Once;
use crate::{Call, CallError, Error, Next, Operation, Rejected, Reply, api};

/// HEAD Bucket (436/7735): proves endpoint, credentials and bucket at once, as a tool does first.
///
/// # Errors
/// [`ErrorKind::Denied`](crate::ErrorKind::Denied) for 403, and
/// [`ErrorKind::Service`](crate::ErrorKind::Service) with status 404 if there is no such bucket.
#[derive(Debug, Default)]
pub struct HeadBucket {
    state: Once<BucketInfo>,
}

/// What COS says about a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BucketInfo {
    /// `x-cos-bucket-region`, if the answer has it.
    pub region: Option<String>,
}

impl HeadBucket {
    /// Asks about the session's bucket.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Operation for HeadBucket {
    type Tag = ();
    type Output = Result<BucketInfo, Error>;

    fn next(&mut self) -> Next<(), Self::Output> {
        self.state.next()
    }

    fn call(&self, (): ()) -> Call {
        api::head_bucket::call()
    }

    fn on_reply(&mut self, (): (), reply: Reply) -> Result<(), Rejected> {
        let region = reply.headers().get("x-cos-bucket-region");
        let region = region.and_then(|value| value.to_str().ok()).map(str::to_owned);
        self.state = Once::Over(Ok(BucketInfo { region }));
        Ok(())
    }

    fn on_error(&mut self, (): (), error: CallError) {
        self.state = Once::Over(Err(error.into_error()));
    }
}
