//! A network with one process before it, and calls in short.

use bytes::Bytes;

use super::super::*;
use crate::{
    Bucket, Call, CopySource, Endpoint, Event, Key, Machine, Now, Operation, Output, Payload,
    Policy, Region, Session, Transmit, UnixTime,
    api::{self, GetOptions, ListOptions, ObjectOptions},
    emulator::Settings,
};

pub(super) const BUCKET: &str = "examplebucket-1250000000";
pub(super) const LINE: Line = Line(1);

/// A network with one process before it.
pub(super) struct Rig {
    pub(super) network: Network,
    session: Session,
    pub(super) skew: i64,
    sent: u64,
}

impl Rig {
    pub(super) fn new(weather: Weather, seed: u64) -> Self {
        let emulator = Emulator::new(Settings { seed, ..Settings::default() }).expect("settings");
        let mut network = Network::new(emulator, weather, Dice::new(seed));
        let bucket = Bucket::new(BUCKET).expect("bucket");
        let region = Region::new("ap-guangzhou").expect("region");
        let endpoint = Endpoint::of(&bucket, &region, false);
        let credentials = network.credentials();
        let skew = network.skew();
        let session = Session::new(bucket, region, endpoint).with_credentials(credentials);
        Self { network, session, skew, sent: 0 }
    }

    pub(super) fn only(kind: FaultKind) -> Self {
        Self::new(Weather::only(kind, 1000), 1)
    }

    pub(super) fn now(&self) -> Now {
        let seconds = self.network.unix_ms() / 1000 + self.skew;
        Now { ticks: self.network.ticks(), unix: UnixTime::from_secs(seconds) }
    }

    pub(super) fn send(&mut self, line: Line, call: Call) {
        let (kind, reply) = (call.kind, call.reply);
        let permits = call.lane;
        let signing = self.session.signing(self.now().unix).expect("credentials");
        let request = self.session.sign(signing, call).expect("signed").request;
        self.sent += 1;
        let transmit = Transmit {
            id: RequestId::numbered(self.sent),
            call: kind,
            attempt: 1,
            lane: permits,
            request,
            reply,
            give_up_after: Duration::from_secs(300),
        };
        self.network.send(line, transmit);
    }

    /// All that arrives until nothing happens any more, in words.
    pub(super) fn drain(&mut self) -> Vec<String> {
        let mut seen = Vec::new();
        while self.network.next_at().is_some() {
            if let Some(arrived) = self.network.step() {
                let late = if arrived.late { "late " } else { "" };
                seen.push(format!("{late}{}", word(&arrived.arrival)));
            }
        }
        seen
    }

    pub(super) fn exchange(&mut self, call: Call) -> Vec<String> {
        self.send(LINE, call);
        self.drain()
    }

    pub(super) fn stored(&mut self, key: &str) -> Option<Bytes> {
        Some(self.network.emulator().object(BUCKET, key)?.body.to_bytes())
    }

    pub(super) fn happened(&self, kind: FaultKind) -> u64 {
        self.network.counts().of(kind)
    }

    /// A machine on a line of its own, to its end.
    pub(super) fn run<O: Operation>(&mut self, line: Line, operation: O) -> O::Output {
        let mut machine = Machine::new(operation, self.session.clone(), Policy::default(), 7);
        for _ in 0..10_000 {
            let now = self.now();
            match machine.poll_output(now) {
                Output::Send(transmit) => self.network.send(line, *transmit),
                Output::NeedCredentials => {
                    let fresh = self.network.credentials();
                    machine.handle_credentials(now, Ok(fresh));
                }
                Output::Idle => panic!("idle"),
                Output::Done(output) => {
                    self.network.hang_up(line);
                    return output;
                }
                Output::Wait(until) => {
                    if let (Some(until), true) = (until, self.network.next_at() > until) {
                        self.network.sleep_until(until);
                    } else if let (Some(until), None) = (until, self.network.next_at()) {
                        self.network.sleep_until(until);
                    } else if let Some(arrived) = self.network.step() {
                        match arrived.arrival {
                            Arrival::Event(event) => {
                                machine.handle(self.now(), arrived.id, event);
                            }
                            Arrival::Data(data) => {
                                let _ = machine.handle_data(arrived.id, &data);
                            }
                        }
                    }
                }
            }
        }
        panic!("no end");
    }
}

pub(super) fn word(arrival: &Arrival) -> String {
    match arrival {
        Arrival::Event(Event::Reply(reply)) => {
            let body = String::from_utf8_lossy(reply.body());
            let code = body.split("<Code>").nth(1).and_then(|rest| rest.split("</Code>").next());
            let status = reply.status().as_u16();
            code.map_or(format!("{status}"), |code| format!("{status} {code}"))
        }
        Arrival::Event(Event::Head(head)) => format!("head {}", head.status().as_u16()),
        Arrival::Event(Event::End) => "end".to_owned(),
        Arrival::Event(Event::Failed(failure)) => format!("{:?}", failure.kind),
        Arrival::Data(_) => "data".to_owned(),
    }
}

pub(super) fn key(text: &str) -> Key {
    Key::new(text).expect("a key")
}

pub(super) fn put(at: &str, body: &'static [u8]) -> Call {
    api::put_object::call(&key(at), &ObjectOptions::new(), Payload::from(body))
}

pub(super) fn get(at: &str) -> Call {
    api::get_object::call(&key(at), &GetOptions::new())
}

pub(super) fn create(at: &str) -> Call {
    api::multipart::initiate::call(&key(at), &ObjectOptions::new())
}

pub(super) fn delete(at: &str) -> Call {
    api::delete_object::call(&key(at), None)
}

pub(super) fn list() -> Call {
    api::list_objects::call(&ListOptions::new(""))
}

pub(super) fn copy(to: &str, from: &str) -> Call {
    let source = CopySource::new(key(from));
    api::copy_object::call(&key(to), &source, &api::CopyOptions::default())
}
