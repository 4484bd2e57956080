//! A bad network: a TCP proxy that breaks connections as its dice say.
//!
//! What it breaks it breaks cleanly for the service: it has the service finish with a connection
//! before the client learns that it is gone. So no request takes effect later than a newer one, which
//! is a thing that COS cannot refuse and this driver does not promise anything about.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cos_proto::sim::Dice;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    time::{sleep, timeout},
};

/// What is wrong with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// It is reset as soon as it is there.
    Refuse,
    /// It ends when its n-th request comes, of which nothing is passed on.
    EndBefore(u64),
    /// It ends when its n-th request is answered, of which nothing is passed on.
    LoseReply(u64),
    /// It ends after so many bytes from the client.
    CutRequest(u64),
    /// It ends after so many bytes to the client.
    CutReply(u64),
    /// It says nothing any more after so many bytes from the client.
    StallRequest(u64),
    /// It says nothing any more after so many bytes to the client.
    StallReply(u64),
    /// Its n-th reply is late.
    Delay(u64),
    /// Its replies come in small pieces.
    Trickle,
    /// It is closed when it has been idle for a moment.
    CloseIdle,
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Refuse => "refused",
            Self::EndBefore(_) => "ended before a request",
            Self::LoseReply(_) => "reply lost",
            Self::CutRequest(_) => "request cut",
            Self::CutReply(_) => "reply cut",
            Self::StallRequest(_) => "request stalled",
            Self::StallReply(_) => "reply stalled",
            Self::Delay(_) => "reply delayed",
            Self::Trickle => "reply trickled",
            Self::CloseIdle => "closed while idle",
        }
    }

    /// All names but `none`.
    const NAMES: [&str; 10] = [
        "refused",
        "ended before a request",
        "reply lost",
        "request cut",
        "reply cut",
        "request stalled",
        "reply stalled",
        "reply delayed",
        "reply trickled",
        "closed while idle",
    ];

    fn throw(dice: &mut Dice) -> Self {
        let few = dice.between(1, 3);
        // From the first header to the middle of a part.
        let bytes = 1 << dice.between(4, 23);
        let bytes = dice.below(bytes);
        match dice.below(26) {
            0 | 1 => Self::Refuse,
            2 | 3 => Self::EndBefore(few),
            4 | 5 => Self::LoseReply(few),
            6..=8 => Self::CutRequest(bytes),
            9 | 10 => Self::CutReply(bytes % 4000),
            11 | 12 => Self::StallRequest(bytes),
            13 | 14 => Self::StallReply(bytes % 1500),
            15 | 16 => Self::Delay(few),
            17 => Self::Trickle,
            18 | 19 => Self::CloseIdle,
            _ => Self::None,
        }
    }
}

/// How a connection ends.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Close,
    Reset,
}

/// The proxy; dropping it closes everything.
pub struct Network {
    address: SocketAddr,
    shared: Arc<Shared>,
    _runtime: Runtime,
}

struct Shared {
    service: SocketAddr,
    state: Mutex<State>,
    idle: Condvar,
}

struct State {
    dice: Dice,
    live: usize,
    /// Bytes from clients so far, and what to do when they are so many.
    bytes: u64,
    alarm: Option<(u64, Box<dyn FnOnce() + Send>)>,
    fired: BTreeMap<&'static str, u64>,
}

impl Network {
    pub fn new(service: SocketAddr, dice: Dice) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        let fired = Fault::NAMES.into_iter().map(|name| (name, 0)).collect();
        let state = State { dice, live: 0, bytes: 0, alarm: None, fired };
        let shared = Arc::new(Shared { service, state: Mutex::new(state), idle: Condvar::new() });
        runtime.spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, _runtime: runtime }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Calls `then` when so many more bytes have come from clients, before they go on.
    pub fn after_bytes(&self, bytes: u64, then: impl FnOnce() + Send + 'static) {
        let mut state = self.shared.lock();
        state.alarm = Some((state.bytes + bytes, Box::new(then)));
    }

    /// Waits until the service has finished with all connections. The clients must be gone.
    pub fn settle(&self) {
        let mut state = self.shared.lock();
        state.alarm = None;
        while state.live > 0 {
            let limit = Duration::from_secs(60);
            let waited = self.shared.idle.wait_timeout(state, limit);
            let (now, limit) = waited.unwrap_or_else(PoisonError::into_inner);
            assert!(!limit.timed_out(), "{} connections do not end", now.live);
            state = now;
        }
    }

    /// How often each fault has come about.
    pub fn fired(&self) -> BTreeMap<&'static str, u64> {
        self.shared.lock().fired.clone()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn came(&self, bytes: usize) {
        let mut state = self.lock();
        state.bytes += bytes as u64;
        if state.alarm.as_ref().is_some_and(|(at, _)| *at <= state.bytes)
            && let Some((_, then)) = state.alarm.take()
        {
            drop(state);
            then();
        }
    }

    fn fire(&self, fault: Fault) {
        *self.lock().fired.entry(fault.name()).or_default() += 1;
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let (client, _) = listener.accept().await.expect("a connection");
        let (fault, ending) = {
            let mut state = shared.lock();
            state.live += 1;
            let fault = Fault::throw(&mut state.dice);
            (fault, if state.dice.happens(500) { Ending::Close } else { Ending::Reset })
        };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            // That either side is gone is not the proxy's business.
            let _ = relay(client, fault, ending, &shared).await;
            shared.lock().live -= 1;
            shared.idle.notify_all();
        });
    }
}

/// What one turn of a connection brought.
enum Turn {
    FromClient(usize),
    FromService(usize),
    Idle,
}

const PAUSE: Duration = Duration::from_millis(40);

/// Passes on what comes until either side ends or the fault does, and then ends both: the service
/// first, so that nothing takes effect after the client has learned of it.
async fn relay(
    mut client: TcpStream,
    fault: Fault,
    ending: Ending,
    shared: &Shared,
) -> io::Result<()> {
    if fault == Fault::Refuse {
        shared.fire(fault);
        return client.set_zero_linger();
    }
    let mut service = TcpStream::connect(shared.service).await?;
    // An error is an end like another.
    let broken = pass_on(&mut client, &mut service, fault, shared).await.unwrap_or(Broken::No);
    if broken == Broken::Silent {
        ignore(&mut client).await;
    }
    finish(service).await;
    match (broken, ending) {
        (Broken::Yes, Ending::Reset) => client.set_zero_linger(),
        _ => Ok(()),
    }
}

/// Whether it was the fault that ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    No,
    Yes,
    /// The client is not to notice.
    Silent,
}

async fn pass_on(
    client: &mut TcpStream,
    service: &mut TcpStream,
    fault: Fault,
    shared: &Shared,
) -> io::Result<Broken> {
    let (mut up, mut down) = (vec![0; PIECE], vec![0; PIECE]);
    let (mut sent, mut received, mut requests, mut replies) = (0, 0, 0, 0);
    let fire = |broken| {
        shared.fire(fault);
        Ok(broken)
    };
    loop {
        let idle_closes = fault == Fault::CloseIdle && requests > 0 && requests == replies;
        let turn = tokio::select! {
            read = client.read(&mut up) => Turn::FromClient(read?),
            read = service.read(&mut down) => Turn::FromService(read?),
            () = sleep(PAUSE), if idle_closes => Turn::Idle,
        };
        match turn {
            Turn::FromClient(0) | Turn::FromService(0) => return Ok(Broken::No),
            Turn::Idle => return fire(Broken::Yes),
            Turn::FromClient(length) => {
                shared.came(length);
                if requests == replies {
                    requests += 1;
                    if fault == Fault::EndBefore(requests) {
                        return fire(Broken::Yes);
                    }
                }
                let (passed, broken) = match fault {
                    Fault::CutRequest(bytes) => (within(bytes, sent, length), Broken::Yes),
                    Fault::StallRequest(bytes) => (within(bytes, sent, length), Broken::Silent),
                    _ => (length, Broken::No),
                };
                service.write_all(&up[..passed]).await?;
                sent += passed as u64;
                if passed < length {
                    return fire(broken);
                }
            }
            Turn::FromService(length) => {
                if replies < requests {
                    replies += 1;
                    if fault == Fault::LoseReply(replies) {
                        return fire(Broken::Yes);
                    }
                    if fault == Fault::Delay(replies) {
                        shared.fire(fault);
                        sleep(PAUSE * 4).await;
                    }
                }
                let (passed, broken) = match fault {
                    Fault::CutReply(bytes) => (within(bytes, received, length), Broken::Yes),
                    Fault::StallReply(bytes) => (within(bytes, received, length), Broken::Silent),
                    _ => (length, Broken::No),
                };
                if fault == Fault::Trickle && received < TRICKLED {
                    shared.fire(fault);
                    for piece in down[..passed].chunks(100) {
                        client.write_all(piece).await?;
                        sleep(PAUSE / 8).await;
                    }
                } else {
                    client.write_all(&down[..passed]).await?;
                }
                received += passed as u64;
                if passed < length {
                    return fire(broken);
                }
            }
        }
    }
}

/// What is passed on at once.
const PIECE: usize = 32 << 10;

/// So many bytes of a trickling connection come slowly.
const TRICKLED: u64 = 3000;

/// How much of `length` bytes is below a limit, if so many were before.
fn within(limit: u64, before: u64, length: usize) -> usize {
    length.min(usize::try_from(limit - before).unwrap_or(usize::MAX))
}

/// Reads until the client gives up.
async fn ignore(client: &mut TcpStream) {
    let mut sink = [0; 4096];
    while client.read(&mut sink).await.is_ok_and(|length| length > 0) {}
}

/// Lets the service see the end, and waits until it has ended, too.
async fn finish(mut service: TcpStream) {
    let mut sink = vec![0; PIECE];
    // It may be gone already.
    let _ = service.shutdown().await;
    let drain = async { while service.read(&mut sink).await.is_ok_and(|length| length > 0) {} };
    timeout(Duration::from_secs(30), drain).await.expect("the service ends the connection");
}
