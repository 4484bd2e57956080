//! Bodies of answers.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::content;

/// How much of generated content goes into one frame.
const FRAME_MAX: u64 = 256 * 1024;

/// Bytes at hand, or generated ones.
#[derive(Debug)]
pub(super) enum AnswerBody {
    Whole(Bytes),
    Generated { offset: u64, left: u64 },
}

impl AnswerBody {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Generated { left, .. } => *left,
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = match &mut *self {
            Self::Whole(bytes) => std::mem::take(bytes),
            Self::Generated { offset, left } => {
                let data = content::piece(*offset, FRAME_MAX.min(*left));
                *offset += data.len() as u64;
                *left -= data.len() as u64;
                data
            }
        };
        Poll::Ready((!data.is_empty()).then(|| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.len() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len())
    }
}
