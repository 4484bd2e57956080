//! One case on one adapter: what the peer does, what the driver is asked, and what must come of it.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use cos_proto::{Attempt, Error, ErrorKind, FailureKind, Observer, config::Config};

use crate::{
    certificates::{Flaw, Identity},
    either::{Adapter, Driver},
    peer::{Behaviour, Connection, Peer},
};

/// What the peer's port speaks, and what the driver takes it to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    Plain,
    Tls(Flaw),
    /// The driver wants TLS and the peer has none.
    PlainForTls,
    /// The driver wants none and the peer does TLS.
    TlsForPlain,
    /// The driver takes the peer for its proxy to an HTTPS endpoint.
    Proxy,
}

pub struct Case {
    pub name: &'static str,
    pub speech: Speech,
    pub behaviour: Behaviour,
    pub action: fn(&Driver) -> Result<(), Error>,
    pub expected: Expected,
    /// Milliseconds.
    pub deadline: &'static str,
    pub pushed_max: u64,
}

/// What must come of it.
#[derive(Clone, Debug)]
pub enum Expected {
    /// The operation succeeds.
    Fine,
    /// Attempts fail so, beginning with the first.
    Failure(FailureKind),
    /// The first attempt fails in any of these ways: when the peer closes, it is a matter of luck how
    /// much of what it said before arrives.
    FailureIn(&'static [FailureKind]),
    /// The answer is an error of this status, whatever else is wrong with it.
    Status(u16, ErrorKind),
    /// The exchange is fine and what it brought is not.
    Kind(ErrorKind),
    /// Attempts fail so, beginning with the first, and nobody knows what they did.
    Unknown(FailureKind),
    /// It is no success; what is wrong depends on who looks first.
    Wrong,
}

/// What the XML of an answer may have, and what two sockets hold besides.
const PUSHED: u64 = (8 + 16) << 20;

const SLOW: &str = "1s";

impl Case {
    pub fn new(
        name: &'static str,
        behaviour: impl Fn(&mut Connection) + Send + Sync + 'static,
        action: fn(&Driver) -> Result<(), Error>,
        expected: Expected,
    ) -> Self {
        Self {
            name,
            speech: Speech::Plain,
            behaviour: Arc::new(behaviour),
            action,
            expected,
            deadline: "3s",
            pushed_max: PUSHED,
        }
    }

    pub fn speaking(self, speech: Speech) -> Self {
        Self { speech, ..self }
    }

    /// One that ends only by the deadline.
    pub fn slow(self) -> Self {
        Self { deadline: SLOW, ..self }
    }

    fn is_slow(&self) -> bool {
        self.deadline == SLOW
    }

    pub fn pushing(self, pushed_max: u64) -> Self {
        Self { pushed_max, ..self }
    }
}

/// Keeps what it is told of attempts.
#[derive(Clone, Default)]
struct Attempts(Arc<Mutex<Vec<Attempt>>>);

impl Observer for Attempts {
    fn attempt(&self, attempt: &Attempt) {
        self.0.lock().expect("lock").push(attempt.clone());
    }
}

/// Longer than anything takes.
const GUARD: Duration = Duration::from_secs(120);

/// Runs a case on an adapter and gives how much the peer got rid of on a connection.
///
/// # Errors
/// What is not as it must be.
pub fn run(case: &Case, adapter: Adapter) -> Result<u64, String> {
    let (sender, ended) = mpsc::channel();
    let (speech, behaviour, action, deadline) =
        (case.speech, Arc::clone(&case.behaviour), case.action, case.deadline);
    thread::spawn(move || {
        let _ = sender.send(perform(adapter, speech, behaviour, action, deadline));
    });
    let Performed { result, attempts, lines, pushed, permits } =
        ended.recv_timeout(GUARD).map_err(|_| "it hangs, or it panicked".to_owned())?;
    let mut wrong = String::new();
    let mut check = |holds: bool, what: &str| {
        if !holds {
            let _ = writeln!(wrong, "  {what}");
        }
    };
    check(pushed <= case.pushed_max, &format!("the client took {pushed} bytes"));
    check(permits == 0, &format!("{permits} permits are still taken"));
    check(
        lines.len() <= attempts.len(),
        &format!("{} attempts were told, the peer got {}", attempts.len(), lines.len()),
    );
    let first = attempts.first();
    let failure = first.and_then(|attempt| attempt.failure);
    let last = attempts.last().and_then(|attempt| attempt.failure);
    let kind = result.as_ref().err().map(Error::kind);
    // A last attempt may have had too little time left.
    let out_of_time = case.is_slow()
        && attempts.len() > 1
        && last == Some(FailureKind::Timeout)
        && kind == Some(&ErrorKind::Transport);
    match &case.expected {
        Expected::Fine => check(result.is_ok(), "it must succeed"),
        Expected::Kind(expected) => {
            check(kind == Some(expected) || out_of_time, &format!("not {expected:?}"));
        }
        Expected::Unknown(expected) => {
            check(failure == Some(*expected), &format!("not {expected:?}"));
            check(kind == Some(&ErrorKind::OutcomeUnknown), "not OutcomeUnknown");
        }
        Expected::Wrong => check(result.is_err(), "it must fail"),
        Expected::Status(status, expected) => {
            check(kind == Some(expected) || out_of_time, &format!("not {expected:?}"));
            let got = first.and_then(|attempt| attempt.status).map(|status| status.as_u16());
            check(got == Some(*status) && failure.is_none(), &format!("not status {status}"));
        }
        Expected::Failure(expected) => {
            check(failure == Some(*expected), &format!("not {expected:?}"));
            check(out_of_time || kind == Some(&kind_of(*expected)), "the wrong kind");
        }
        Expected::FailureIn(expected) => {
            check(failure.is_some_and(|it| expected.contains(&it)), &format!("not {expected:?}"));
            let kinds = expected.iter().map(|failure| kind_of(*failure));
            check(kinds.into_iter().any(|it| kind == Some(&it)) || out_of_time, "the wrong kind");
        }
    }
    if let (Expected::Failure(FailureKind::Tls), Err(error)) = (&case.expected, &result) {
        let once = error.remote().is_some_and(|it| it.attempts == 1 && !it.maybe_done);
        check(once, "a peer that is not trusted is not asked again");
        check(lines.is_empty(), "a request was sent to a peer that is not trusted");
    }
    if wrong.is_empty() {
        return Ok(pushed);
    }
    let failures: Vec<_> = attempts.iter().map(|it| (it.call, it.status, it.failure)).collect();
    let result = result.map_err(|error| format!("{error} {error:?}"));
    Err(format!("{wrong}  got {result:?}\n  attempts {failures:?}\n  requests {lines:?}"))
}

/// The error that a failure of every attempt makes of a call.
fn kind_of(failure: FailureKind) -> ErrorKind {
    match failure {
        FailureKind::Malformed | FailureKind::ReplyTooLarge => ErrorKind::Malformed,
        _ => ErrorKind::Transport,
    }
}

struct Performed {
    result: Result<(), Error>,
    attempts: Vec<Attempt>,
    lines: Vec<String>,
    pushed: u64,
    permits: usize,
}

fn perform(
    adapter: Adapter,
    speech: Speech,
    behaviour: Behaviour,
    action: fn(&Driver) -> Result<(), Error>,
    deadline: &str,
) -> Performed {
    let flaw = if let Speech::Tls(flaw) = speech { flaw } else { Flaw::None };
    let identity = Identity::new(flaw);
    let tls = matches!(speech, Speech::Tls(_) | Speech::TlsForPlain);
    let peer = Peer::start(tls.then(|| Arc::clone(&identity.server)), behaviour);
    let port = peer.address.port();
    let (endpoint, proxy) = match speech {
        Speech::Plain | Speech::TlsForPlain => (format!("http://localhost:{port}"), None),
        Speech::Tls(_) | Speech::PlainForTls => (format!("https://localhost:{port}"), None),
        Speech::Proxy => {
            ("https://b-1.cos.ap-x.example".to_owned(), Some(format!("http://{}", peer.address)))
        }
    };
    let config = Config::builder()
        .secret("AKIDhostile", "hush")
        .bucket("b-1")
        .region("ap-x")
        .endpoint(endpoint)
        .chunk_size(5 << 20)
        .parameter("rootca", identity.root.0.to_str().expect("a path as text"))
        .parameter("calldeadline", deadline)
        .parameter("idletimeout", "300ms")
        .parameter("connecttimeout", "500ms")
        .build()
        .expect("valid parameters");
    let attempts = Attempts::default();
    let driver = Driver::new(adapter, &config, attempts.clone(), proxy.as_deref());
    let driver = driver.expect("a driver");
    let result = action(&driver);
    let attempts = attempts.0.lock().expect("lock").clone();
    Performed {
        result,
        attempts,
        lines: peer.seen.lines(),
        pushed: peer.seen.pushed(),
        permits: driver.permits_in_use(),
    }
}
