//! The body of an answer, sent as its delivery says.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use cos_proto::{
    Payload,
    emulator::{Answer, Delivery},
};
use http::{Response, header};
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Duration, Sleep, sleep};

use super::{barrier::Barrier, record::Pending};

/// The connection is to be closed at once, as the answer's delivery says.
#[derive(Debug)]
pub(super) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("closed by a fault")
    }
}

impl std::error::Error for Cut {}

/// What a body does next.
#[derive(Debug)]
enum Step {
    Send(Bytes),
    /// Waits until all so far has left.
    Flush,
    Pause(Duration),
    /// Closes the connection.
    Cut,
}

/// The body of an answer: steps, done in order.
#[derive(Debug)]
pub(super) struct ReplyBody {
    steps: VecDeque<Step>,
    /// What `Content-Length` says is left, unless the body is chunked.
    left: Option<u64>,
    pause: Option<Pin<Box<Sleep>>>,
    barrier: Barrier,
    record: Pending,
}

impl ReplyBody {
    /// The response to send for `answer`; its record is written when the body has ended.
    ///
    /// # Errors
    /// [`Cut`]: the connection is to be closed without a response.
    pub(super) fn respond(
        answer: Answer,
        barrier: Barrier,
        mut record: Pending,
    ) -> Result<Response<Self>, Cut> {
        if answer.delivery == Delivery::NoReply {
            return Err(Cut);
        }
        let (mut head, payload) = answer.response.into_parts();
        record.answered(head.status);
        let chunked = matches!(answer.delivery, Delivery::Chunked { .. });
        if chunked {
            head.headers.remove(header::CONTENT_LENGTH);
            // hyper frames a body of unknown length by itself.
            head.headers.remove(header::TRANSFER_ENCODING);
        }
        let left = (!chunked).then_some(payload.len());
        let steps = steps(&payload, answer.delivery);
        Ok(Response::from_parts(head, Self { steps, left, pause: None, barrier, record }))
    }
}

fn steps(payload: &Payload, delivery: Delivery) -> VecDeque<Step> {
    let whole = payload.chunks().iter().cloned().map(Step::Send);
    match delivery {
        Delivery::Whole | Delivery::NoReply => whole.collect(),
        Delivery::Chunked { leading_spaces } => {
            let space = || [Step::Send(Bytes::from_static(b" ")), Step::Flush];
            (0..leading_spaces).flat_map(|_| space()).chain(whole).collect()
        }
        Delivery::CutAfter(bytes) if bytes >= payload.len() => whole.collect(),
        Delivery::CutAfter(bytes) => {
            let sent = first(payload, bytes).map(Step::Send);
            sent.chain([Step::Flush, Step::Cut]).collect()
        }
        Delivery::Trickle { bytes, pause } => payload
            .chunks()
            .iter()
            .flat_map(|chunk| pieces(chunk.clone(), bytes.max(1)))
            .flat_map(|piece| [Step::Send(piece), Step::Flush, Step::Pause(pause)])
            .collect(),
    }
}

/// The first `bytes` bytes.
fn first(payload: &Payload, bytes: u64) -> impl Iterator<Item = Bytes> {
    payload.chunks().iter().scan(bytes, |left, chunk| {
        let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(chunk.len());
        *left -= taken as u64;
        (taken > 0).then(|| chunk.slice(..taken))
    })
}

fn pieces(mut chunk: Bytes, bytes: usize) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let piece = chunk.split_to(bytes.min(chunk.len()));
        (!piece.is_empty()).then_some(piece)
    })
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            match self.steps.front() {
                None => return Poll::Ready(None),
                Some(Step::Flush) => ready!(self.barrier.poll_flushed(context)),
                Some(Step::Pause(pause)) => self.pause = Some(Box::pin(sleep(*pause))),
                Some(Step::Cut) => return Poll::Ready(Some(Err(Cut))),
                Some(Step::Send(_)) => {}
            }
            if let Some(Step::Send(data)) = self.steps.pop_front() {
                self.left = self.left.map(|left| left - data.len() as u64);
                self.record.sent(data.len());
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        // A trickled body ends with its last byte, not after the pause that follows.
        self.steps.is_empty() || self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
