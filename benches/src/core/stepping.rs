//! A small operation from its first poll to its end, against answers that are there already.

use std::error::Error;

use bytes::Bytes;
use cos_proto::{
    Crc64, Event, Machine, Operation, Output, Payload, Policy, Session,
    api::{GetOptions, ObjectOptions},
    op::{Fetch, Head, Put},
};
use http::Response;

use super::{
    measure::{Checked, Effort, Race, ensure},
    sample::{self, NOW},
    signing::Signer,
};
use crate::row::{Bound, Row, Rows};

const ETAG: &str = "\"0f343b0931126a20f133d67c2b018a3b\"";

/// Small operations with their answers.
#[derive(Debug)]
pub struct Steps {
    session: Session,
    content: Bytes,
    crc: String,
}

/// An operation that was not polled yet.
#[derive(Debug)]
pub struct Unstarted<O: Operation> {
    machine: Machine<O>,
    reply: Option<Box<Response<Bytes>>>,
}

impl Steps {
    pub fn new() -> Result<Self, Box<dyn Error>> {
        let content = Bytes::from(vec![7; 1024]);
        let crc = Crc64::of(&content).to_string();
        Ok(Self { session: sample::session()?, content, crc })
    }

    /// PUT of 1 KiB.
    pub fn put(&self) -> Result<Unstarted<Put>, Box<dyn Error>> {
        let payload = Payload::from(self.content.clone());
        let put = Put::new(sample::key()?, ObjectOptions::new(), payload, None);
        self.unstarted(put, Bytes::new(), 0)
    }

    /// HEAD.
    pub fn head(&self) -> Result<Unstarted<Head>, Box<dyn Error>> {
        self.unstarted(Head::new(sample::key()?, GetOptions::new()), Bytes::new(), 1024)
    }

    /// GET of 1 KiB into memory.
    pub fn get(&self) -> Result<Unstarted<Fetch>, Box<dyn Error>> {
        let fetch = Fetch::new(sample::key()?, GetOptions::new(), 1024 * 1024);
        self.unstarted(fetch, self.content.clone(), 1024)
    }

    fn unstarted<O: Operation>(
        &self,
        operation: O,
        body: Bytes,
        length: usize,
    ) -> Result<Unstarted<O>, Box<dyn Error>> {
        let fields = [
            ("etag", ETAG),
            ("x-cos-hash-crc64ecma", &*self.crc),
            ("last-modified", "Fri, 20 Nov 2026 03:37:30 GMT"),
            ("content-type", "application/octet-stream"),
        ];
        let machine = Machine::new(operation, self.session.clone(), Policy::default(), 0);
        let reply = sample::reply(&fields, length, body)?;
        Ok(Unstarted { machine, reply: Some(Box::new(reply)) })
    }
}

impl<O, T, E> Unstarted<O>
where
    O: Operation<Output = Result<T, E>>,
    E: Error + 'static,
{
    /// Runs it to its end, once.
    pub fn run(&mut self) -> Result<T, Box<dyn Error>> {
        let Output::Send(transmit) = self.machine.poll_output(NOW) else {
            return Err("the machine has no request".into());
        };
        let Output::Wait(None) = self.machine.poll_output(NOW) else {
            return Err("the machine does not wait".into());
        };
        let reply = self.reply.take().ok_or("it has been run")?;
        self.machine.handle(NOW, transmit.id, Event::Reply(reply));
        match self.machine.poll_output(NOW) {
            Output::Done(outcome) => Ok(outcome?),
            _ => Err("the machine is not done".into()),
        }
    }
}

fn tag(ours: &str) -> Checked {
    ensure(ETAG.trim_matches('"') == ours, "another ETag")
}

pub fn rows(effort: Effort) -> Rows {
    let steps = Steps::new()?;
    let mut signer = Signer::new();
    let mut race = Race::new(effort);
    let length = signer.sign().len();
    race.add("signing", || ensure(signer.sign().len() == length, "another length"));
    race.add_prepared("PUT of 1 KiB", || steps.put(), |put| tag(put.run()?.etag.as_str()));
    race.add_prepared(
        "GET of 1 KiB",
        || steps.get(),
        |get| ensure(get.run()?.body.len() == 1024, "other content"),
    );
    race.add_prepared("HEAD", || steps.head(), |head| tag(head.run()?.etag.as_str()));
    let costs = race.run()?;

    let signing = costs.of("signing")?.nanoseconds;
    ["PUT of 1 KiB", "GET of 1 KiB", "HEAD"]
        .into_iter()
        .map(|name| {
            let ours = costs.of(name)?;
            Ok(Row::new(format!("step through {name}, canned reply"), "ns", ours.nanoseconds)
                .floor("signing alone", signing)
                .target("ours / signing", ours.nanoseconds / signing, Bound::Info)
                .note(format!("{:.0} allocations", ours.allocations)))
        })
        .collect()
}
