//! One exchange: wait for a permit, send one request, bring in its answer.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use cos_proto::{
    ERROR_BODY_MAX, Event, Failure, FailureKind, Now, ReplyMode, TimeLimits, Transmit,
};
use http::Response;
use http_body::{Body as _, Frame};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep, timeout_at};

use crate::{failure, observe::Watched, permits::Permit, shared::Shared, spare::Spare};

/// What became of a [`Transmit`].
pub(crate) struct Exchanged {
    /// How long it waited for its permit.
    pub(crate) queued: Duration,
    /// When it was over: a writer may rest before it looks.
    pub(crate) at: Now,
    pub(crate) outcome: Outcome,
}

pub(crate) enum Outcome {
    Event(Event),
    Stream(Response<()>, Box<StreamedBody>),
}

/// Waits for a permit and runs one exchange. It is given back at the latest when the answer, or a
/// stream's head, is there.
pub(crate) async fn exchange(
    shared: Arc<Shared>,
    transmit: Box<Transmit>,
    spare: Option<Arc<Spare>>,
) -> Exchanged {
    let asked = Instant::now();
    let permit = shared.permits.acquire(transmit.lane).await;
    let began = Instant::now();
    let exchanged = exchange_with(permit, began, &shared, transmit, spare).await;
    Exchanged { queued: began.saturating_duration_since(asked), ..exchanged }
}

/// Runs one exchange that has its permit. It began when the machine was asked what to send, or when
/// the permit was there if that was later.
pub(crate) fn exchange_with(
    permit: Permit,
    began: Instant,
    shared: &Shared,
    transmit: Box<Transmit>,
    spare: Option<Arc<Spare>>,
) -> impl Future<Output = Exchanged> + use<> {
    let mut watched = Watched::new(permit, &transmit, began);
    let limits = transmit.time_limits(shared.idle_timeout);
    let Transmit { request, reply, .. } = *transmit;
    let sending = shared.transport.send(request);
    let clock = shared.clock;
    async move {
        let answer = answer(sending, reply, &limits, &mut watched, spare.as_deref()).await;
        watched.permit.give_back();
        let at = clock.now();
        let outcome = match answer {
            Ok(Answer::Whole(response)) => {
                watched.attempt.collected(&response);
                watched.ended(clock.instant(at.ticks));
                Outcome::Event(Event::Reply(response))
            }
            Ok(Answer::Head(head, body)) => {
                Outcome::Stream(head, Box::new(StreamedBody { body, watched }))
            }
            Err(failure) => {
                watched.ended(clock.instant(at.ticks));
                Outcome::Event(Event::Failed(watched.failed(failure)))
            }
        };
        Exchanged { queued: Duration::ZERO, at, outcome }
    }
}

enum Answer {
    Whole(Box<Response<Bytes>>),
    Head(Response<()>, Arriving),
}

async fn answer(
    sending: impl Future<Output = Result<Response<Incoming>, Failure>>,
    reply: ReplyMode,
    limits: &TimeLimits,
    watched: &mut Watched,
    spare: Option<&Spare>,
) -> Result<Answer, Failure> {
    let began = watched.began;
    let sent = within(began, limits.head, pin!(sending)).await;
    let (head, incoming) = sent?.into_parts();
    watched.attempt.answered(head.status, &head.headers);
    let success = head.status.is_success();
    let mut body = Arriving { incoming, idle_timeout: limits.idle, idle: None };
    let bytes_max = match reply {
        _ if !success => ERROR_BODY_MAX,
        ReplyMode::Collect { bytes_max } => bytes_max,
        ReplyMode::Stream => return Ok(Answer::Head(Response::from_parts(head, ()), body)),
    };
    let collect = pin!(body.collect(bytes_max, &mut watched.attempt.bytes_received, spare));
    let (collected, whole) = within(began, limits.whole, collect).await?;
    // An error's page matters less than its status.
    if success && !whole {
        let text = format!("the answer has more than {bytes_max} bytes");
        return Err(Failure::new(FailureKind::ReplyTooLarge, text));
    }
    Ok(Answer::Whole(Box::new(Response::from_parts(head, collected))))
}

/// Ends `work` so long after the exchange began. It stays where it is, since a future that is awaited
/// has room for each that was given to it twice; what is larger than a kilobyte, malloc keeps for no
/// thread.
async fn within<T>(
    began: Instant,
    limit: Duration,
    work: Pin<&mut impl Future<Output = Result<T, Failure>>>,
) -> Result<T, Failure> {
    // A limit beyond what the clock can say is none.
    let Some(end) = began.checked_add(limit) else { return work.await };
    timeout_at(end, work).await.unwrap_or_else(|_| {
        let text = format!("no answer within {} s", limit.as_secs_f32());
        Err(Failure::new(FailureKind::Timeout, text))
    })
}

/// The body of a streamed answer, in the hands of its reader.
#[derive(Debug)]
pub(crate) struct StreamedBody {
    body: Arriving,
    watched: Watched,
}

impl StreamedBody {
    /// The next data; `None` at the end.
    pub(crate) fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, Failure>> {
        let data = ready!(self.body.poll_data(cx)).map_err(|failure| self.watched.failed(failure));
        if let Ok(Some(data)) = &data {
            self.watched.attempt.bytes_received += data.len() as u64;
        }
        Poll::Ready(data)
    }
}

/// A body that arrives.
#[derive(Debug)]
struct Arriving {
    incoming: Incoming,
    idle_timeout: Duration,
    /// Runs only while somebody waits for data; every byte, a keep-alive space too, starts it anew.
    idle: Option<Pin<Box<Sleep>>>,
}

impl Arriving {
    /// Reads at most `bytes_max` bytes; false if that was not all. What comes in one piece is not
    /// copied.
    async fn collect(
        &mut self,
        bytes_max: usize,
        received: &mut u64,
        spare: Option<&Spare>,
    ) -> Result<(Bytes, bool), Failure> {
        let announced = self.incoming.size_hint().exact().and_then(|size| size.try_into().ok());
        let mut next = async || -> Result<Option<Bytes>, Failure> {
            let data = poll_fn(|cx| self.poll_data(cx)).await?;
            *received += data.as_ref().map_or(0, |data| data.len() as u64);
            Ok(data)
        };
        let Some(mut data) = next().await? else { return Ok((Bytes::new(), true)) };
        if Some(data.len()) == announced && data.len() <= bytes_max {
            return Ok((data, true));
        }
        // What is announced may be a lie, so no more than this is believed beforehand.
        let expected = announced.unwrap_or(0).min(bytes_max);
        let mut whole = spare
            .and_then(|spare| spare.take(expected))
            .unwrap_or_else(|| BytesMut::with_capacity(expected.min(MEMORY_AHEAD_MAX)));
        loop {
            let room = bytes_max.saturating_sub(whole.len());
            let taken = data.get(..room).unwrap_or(&data);
            if whole.len() + taken.len() > whole.capacity() {
                // Growing by doubling would leave as much again to the allocator.
                let believed = expected.min(whole.len().saturating_mul(BELIEVED));
                whole.reserve(believed.saturating_sub(whole.len()).max(taken.len()));
            }
            whole.extend_from_slice(taken);
            if data.len() > room {
                return Ok((whole.freeze(), false));
            }
            match next().await? {
                Some(more) => data = more,
                None => return Ok((whole.freeze(), true)),
            }
        }
    }

    /// The next data; `None` at the end.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Failure>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
                let idle = self.idle.get_or_insert_with(|| Box::pin(sleep(self.idle_timeout)));
                ready!(idle.as_mut().poll(cx));
                let text = format!("no data for {} s", self.idle_timeout.as_secs_f32());
                return Poll::Ready(Err(Failure::new(FailureKind::Timeout, text)));
            };
            self.idle = None;
            return Poll::Ready(match frame.map(|frame| frame.map(Frame::into_data)) {
                None => Ok(None),
                Some(Ok(Ok(data))) => Ok(Some(data)),
                // Trailers say nothing to us.
                Some(Ok(Err(_))) => continue,
                Some(Err(error)) => Err(failure::of_body(error)),
            });
        }
    }
}

const MEMORY_AHEAD_MAX: usize = 1024 * 1024;
/// Who has sent so much is believed to send so many times that.
const BELIEVED: usize = 16;
