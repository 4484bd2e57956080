//! The rules of delivery, each by a scripted operation and by hand-fed events.

mod credentials;
mod delivery;
#[cfg(feature = "sim")]
mod planted;
mod random;
mod remedies;
mod streams;

use std::{cell::Cell, collections::VecDeque, ops::Range, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};

use super::{Event, Machine, Output, Policy, RequestId, Transmit};
use crate::{
    Bucket, Call, CallError, CallKind, Credentials, Endpoint, Failure, FailureKind, Key, Next, Now,
    Operation, Reason, Region, Rejected, Reply, ReplyMode, Session, Ticks, UnixTime,
};

/// Makes its calls in order, as many at once as the machine lets it, and notes how each ended.
struct Script {
    calls: Vec<Call>,
    begun: usize,
    /// How often each attempt was built.
    built: Cell<usize>,
    ended: Vec<(usize, Ended)>,
    /// When the calls that were answered had been asked, as the machine says.
    asked_at: Vec<Option<UnixTime>>,
    /// What the next replies or heads are refused with; accepted when there is none.
    verdicts: VecDeque<Rejected>,
    /// Idle instead of Done when all calls have ended.
    hold: bool,
    /// Done, whatever is in flight.
    stop: bool,
    /// The length and the progress of a streamed body.
    length: usize,
    got: usize,
}

#[derive(Debug)]
enum Ended {
    Replied(StatusCode),
    Streamed,
    Failed(CallError),
}

impl Operation for Script {
    type Tag = usize;
    type Output = ();

    fn next(&mut self) -> Next<usize, ()> {
        if self.stop {
            return Next::Done(());
        }
        if self.begun < self.calls.len() {
            self.begun += 1;
            return Next::Call(self.begun - 1);
        }
        match self.ended.len() < self.begun {
            true => Next::Pending,
            false if self.hold => Next::Idle,
            false => Next::Done(()),
        }
    }

    fn is_over(&self) -> bool {
        self.stop
    }

    fn call(&self, tag: usize) -> Call {
        self.built.set(self.built.get() + 1);
        self.calls[tag].clone()
    }

    fn on_reply(&mut self, tag: usize, reply: Reply) -> Result<(), Rejected> {
        if let Some(verdict) = self.verdicts.pop_front() {
            return Err(verdict);
        }
        self.ended.push((tag, Ended::Replied(reply.status())));
        self.asked_at.push(reply.asked_at());
        Ok(())
    }

    fn on_head(&mut self, _tag: usize, _head: &Response<()>) -> Result<(), Rejected> {
        self.verdicts.pop_front().map_or(Ok(()), Err)
    }

    fn on_data(&mut self, _tag: usize, data: &[u8]) -> Range<usize> {
        let taken = data.len().min(self.length - self.got);
        self.got += taken;
        0..taken
    }

    fn on_end(&mut self, tag: usize) -> Result<(), Rejected> {
        if self.got < self.length {
            let (got, expected) = (self.got as u64, self.length as u64);
            return Err(Rejected::Retry(Reason::Short { got, expected }));
        }
        self.ended.push((tag, Ended::Streamed));
        Ok(())
    }

    fn on_error(&mut self, tag: usize, error: CallError) {
        self.ended.push((tag, Ended::Failed(error)));
    }
}

/// A machine, its script and a clock.
struct Rig {
    machine: Machine<Script>,
    now: Now,
}

const START: i64 = 1_700_000_000;

impl Rig {
    fn new(calls: Vec<Call>) -> Self {
        Self::with(calls, session(), Policy::default())
    }

    fn with(calls: Vec<Call>, session: Session, policy: Policy) -> Self {
        let script = Script {
            calls,
            begun: 0,
            built: Cell::new(0),
            ended: Vec::new(),
            asked_at: Vec::new(),
            verdicts: VecDeque::new(),
            hold: false,
            stop: false,
            length: 0,
            got: 0,
        };
        let now = Now { ticks: Ticks::ZERO, unix: UnixTime::from_secs(START) };
        Self { machine: Machine::new(script, session, policy, 1), now }
    }

    fn poll(&mut self) -> Output<()> {
        self.machine.poll_output(self.now)
    }

    fn send(&mut self) -> Box<Transmit> {
        match self.poll() {
            Output::Send(transmit) => transmit,
            other => panic!("no request but {other:?}"),
        }
    }

    /// The time of the back-off that the machine waits for.
    fn waits_until(&mut self) -> Ticks {
        match self.poll() {
            Output::Wait(Some(due)) => due,
            other => panic!("no back-off but {other:?}"),
        }
    }

    /// Waits for the back-off, then takes the next attempt.
    fn send_again(&mut self) -> Box<Transmit> {
        let due = self.waits_until();
        self.advance(due.saturating_since(self.now.ticks));
        self.send()
    }

    fn advance(&mut self, by: Duration) {
        self.now.ticks = self.now.ticks + by;
        self.now.unix = self.now.unix + by;
    }

    fn handle(&mut self, id: RequestId, event: Event) {
        self.machine.handle(self.now, id, event);
    }

    fn reply(&mut self, id: RequestId, response: Response<Bytes>) {
        self.handle(id, Event::Reply(Box::new(response)));
    }

    fn fail(&mut self, id: RequestId, kind: FailureKind) {
        self.handle(id, Event::Failed(Failure::new(kind, "scripted")));
    }

    fn ended(&self) -> &[(usize, Ended)] {
        &self.machine.operation().ended
    }

    /// The error that the only call so far ended with.
    fn error(&self) -> &CallError {
        match self.ended() {
            [(_, Ended::Failed(error))] => error,
            other => panic!("no error but {other:?}"),
        }
    }
}

fn session() -> Session {
    bare_session().with_credentials(Credentials::new("AKIDexample", "secret"))
}

fn bare_session() -> Session {
    let bucket = Bucket::new("examplebucket-1250000000").expect("bucket");
    let region = Region::new("ap-guangzhou").expect("region");
    let endpoint = Endpoint::of(&bucket, &region, true);
    Session::new(bucket, region, endpoint)
}

fn call() -> Call {
    Call::new(CallKind::PutObject, Method::PUT, Some(Key::new("k").expect("key")))
}

fn streamed() -> Call {
    let mut call = Call::new(CallKind::GetObject, Method::GET, Some(Key::new("k").expect("key")));
    call.reply = ReplyMode::Stream;
    call
}

fn ok() -> Response<Bytes> {
    Response::new(Bytes::new())
}

fn head() -> Event {
    Event::Head(Response::new(()))
}

/// An answer with an `<Error>` document, as COS sends it.
fn error(status: u16, code: &str) -> Response<Bytes> {
    error_saying(status, code, "")
}

fn error_saying(status: u16, code: &str, message: &str) -> Response<Bytes> {
    let body = format!(
        "<?xml version='1.0' encoding='utf-8' ?>\n<Error><Code>{code}</Code><Message>{message}\
         </Message><Resource>/k</Resource><RequestId>id</RequestId><TraceId/></Error>"
    );
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(status).expect("status");
    response.headers_mut().insert(
        HeaderName::from_static("content-type"),
        HeaderValue::from_static("application/xml"),
    );
    response
}

fn with_header(mut response: Response<Bytes>, name: &'static str, value: &str) -> Response<Bytes> {
    let value = HeaderValue::from_str(value).expect("value");
    response.headers_mut().insert(HeaderName::from_static(name), value);
    response
}

fn dated(response: Response<Bytes>, offset: i64) -> Response<Bytes> {
    with_header(response, "date", &UnixTime::from_secs(START + offset).to_http_date())
}

fn silent(status: u16) -> Response<Bytes> {
    let mut response = ok();
    *response.status_mut() = StatusCode::from_u16(status).expect("status");
    response
}

fn head_call() -> Call {
    Call::new(CallKind::HeadObject, Method::HEAD, Some(Key::new("k").expect("key")))
}

/// An answer of COS itself, not of a gateway before it.
fn of_cos(status: u16, date: i64) -> Response<Bytes> {
    with_header(dated(silent(status), date), "x-cos-request-id", "NjQ1")
}

fn temporary(name: &str) -> Credentials {
    Credentials::new(name, "secret").with_token("token")
}
