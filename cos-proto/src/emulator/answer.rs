//! What the emulator answers, and how it is to reach the client.

use std::time::Duration;

use http::Response;

use crate::Payload;

/// One answer. `Content-Length` is set unless the delivery is chunked or the status forbids it;
/// for HEAD it is the object's, and the body is empty.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "servers take it apart")]
pub struct Answer {
    /// Status, headers and body.
    pub response: Response<Payload>,
    /// How it is to be sent.
    pub delivery: Delivery,
}

/// How a server sends an [`Answer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "servers must handle all")]
pub enum Delivery {
    /// As it is.
    Whole,
    /// With `Transfer-Encoding: chunked`: first so many spaces one by one, as the service keeps a
    /// long Complete alive, then the body.
    Chunked {
        /// How many.
        leading_spaces: usize,
    },
    /// The head, so many bytes of the body, then the connection is reset.
    CutAfter(u64),
    /// Nothing: the connection is closed without an answer.
    NoReply,
    /// The body slowly.
    Trickle {
        /// So many bytes at a time (at least 1),
        bytes: usize,
        /// with this pause between.
        pause: Duration,
    },
}

/// A marker that a server puts into `head.extensions` of a request that came by TLS.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a marker")]
pub struct OverTls;
