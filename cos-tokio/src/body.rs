//! A [`Payload`] as the body of a hyper request: its own chunks, never copied.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use cos_proto::Payload;
use http_body::{Body, Frame, SizeHint};

/// Sends a payload's chunks in order.
#[derive(Debug)]
pub(crate) struct PayloadBody {
    payload: Payload,
    next: usize,
    left: u64,
}

impl From<Payload> for PayloadBody {
    fn from(payload: Payload) -> Self {
        Self { left: payload.len(), payload, next: 0 }
    }
}

impl Body for PayloadBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let sent = Chunk { payload: self.payload.clone(), index: self.next };
        let length = sent.as_ref().len() as u64;
        if length == 0 {
            return Poll::Ready(None);
        }
        self.next += 1;
        self.left -= length;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(sent)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// One chunk on its way. It holds the whole payload, so that the memory counts as taken until hyper
/// has let go of the last byte, also when the operation is gone by then.
struct Chunk {
    payload: Payload,
    index: usize,
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        self.payload.chunks().get(self.index).map_or(&[], |chunk| chunk)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn sends_the_chunks_themselves_and_says_how_many_bytes_are_left() {
        let chunks = [Bytes::from(vec![1; 10]), Bytes::from(vec![2; 20])];
        let mut body = PayloadBody::from(Payload::from_chunks(chunks.clone()));
        for (chunk, left) in chunks.iter().zip([30, 20]) {
            assert_eq!(body.size_hint().exact(), Some(left));
            assert!(!body.is_end_stream());
            let frame = body.frame().await.expect("frame").expect("infallible");
            let sent = frame.into_data().expect("data");
            assert_eq!(sent.as_ptr(), chunk.as_ptr());
        }
        assert!(body.is_end_stream() && body.frame().await.is_none());
        assert!(PayloadBody::from(Payload::EMPTY).is_end_stream());
    }
}
