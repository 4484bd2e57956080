//! A whole request as the machine makes it: built, signed and encoded, up to what is sent.

use std::{error::Error, hint::black_box};

use bytes::Bytes;
use cos_proto::{
    CallKind, Event, Machine, MemoryBudget, Operation, Output, Payload, Policy, Session, Transmit,
    api::ObjectOptions,
    op::{
        Download, DownloadOptions, Put, Upload, UploadOptions, UploadState, record::PART_BYTES_MIN,
    },
};
use http::header::AUTHORIZATION;

use super::{
    measure::{Checked, Effort, Race, ensure},
    sample::{self, NOW},
    signing::Signer,
};
use crate::row::{Bound, Row, Rows};

/// A machine whose next output is a request.
#[derive(Debug)]
pub struct Unsent<O: Operation>(Machine<O>);

impl<O: Operation> Unsent<O> {
    fn new(operation: O, session: &Session) -> Self {
        Self(Machine::new(operation, session.clone(), Policy::default(), 0))
    }

    /// The request.
    pub fn send(&mut self) -> Result<Box<Transmit>, Box<dyn Error>> {
        match self.0.poll_output(NOW) {
            Output::Send(transmit) => Ok(transmit),
            _ => Err("the machine has no request".into()),
        }
    }
}

/// Makes machines that are about to send.
#[derive(Debug)]
pub struct Prepare {
    session: Session,
    content: Bytes,
    part: Bytes,
    /// Of an upload that has one part.
    state: UploadState,
}

impl Prepare {
    pub fn new() -> Result<Self, Box<dyn Error>> {
        let session = sample::session()?;
        let state = uploaded(&session)?;
        let (content, part) = (vec![7; 1024].into(), vec![7; LAST_PART_BYTES].into());
        Ok(Self { session, content, part, state })
    }

    /// GET of a part of an object.
    pub fn get(&self) -> Result<Unsent<Download>, Box<dyn Error>> {
        let options = DownloadOptions::new().offset(1024);
        Ok(Unsent::new(Download::new(sample::key()?, options), &self.session))
    }

    /// PUT of a small object.
    pub fn put(&self) -> Result<Unsent<Put>, Box<dyn Error>> {
        let payload = Payload::from(self.content.clone());
        let put = Put::new(sample::key()?, ObjectOptions::new(), payload, None);
        Ok(Unsent::new(put, &self.session))
    }

    /// PUT of a last part.
    pub fn part(&self) -> Result<Unsent<Upload>, Box<dyn Error>> {
        let mut upload = Upload::resume(sample::key()?, self.state.clone(), options());
        ensure(upload.push(self.part.clone()).is_empty(), "bytes are left")?;
        upload.commit()?;
        Ok(Unsent::new(upload, &self.session))
    }
}

/// So small that its checksum leaves the caches alone, and so large that it is shared, not copied.
const LAST_PART_BYTES: usize = 32 * 1024;

fn options() -> UploadOptions {
    UploadOptions::new(MemoryBudget::new(PART_BYTES_MIN)).chunk_size(PART_BYTES_MIN)
}

/// What an upload leaves that was created and has one part.
fn uploaded(session: &Session) -> Result<UploadState, Box<dyn Error>> {
    let mut unsent = Unsent::new(Upload::start(sample::key()?, options()), session);
    let part = vec![7; usize::try_from(PART_BYTES_MIN)?];
    ensure(unsent.0.operation_mut().push(part.into()).is_empty(), "bytes are left")?;
    for (fields, body) in [(&[][..], CREATED), (&[("etag", "\"e\"")], "")] {
        let id = unsent.send()?.id;
        let reply = sample::reply(fields, body.len(), Bytes::from_static(body.as_bytes()))?;
        unsent.0.handle(NOW, id, Event::Reply(Box::new(reply)));
    }
    let state = unsent.0.operation().state();
    ensure(state.parts.len() == 1, "no part")?;
    Ok(state)
}

const CREATED: &str = "<InitiateMultipartUploadResult>\
    <Bucket>examplebucket-1250000000</Bucket><Key>k</Key>\
    <UploadId>1590000000a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b</UploadId>\
    </InitiateMultipartUploadResult>";

fn check<O: Operation>(unsent: &mut Unsent<O>, kind: CallKind) -> Checked {
    let sent = black_box(unsent.send()?);
    ensure(sent.call == kind && sent.request.headers().contains_key(AUTHORIZATION), "another call")
}

/// A signer of the same request, which gives the same signature.
fn signer<O: Operation>(mut unsent: Unsent<O>) -> Result<Signer, Box<dyn Error>> {
    let sent = unsent.send()?;
    let mut signer = Signer::of(&sent.request).ok_or("a request that is not signed")?;
    let same = sent.request.headers().get(AUTHORIZATION).is_some_and(|text| text == signer.sign());
    ensure(same, "another signature")?;
    Ok(signer)
}

pub fn rows(effort: Effort) -> Rows {
    let prepare = Prepare::new()?;
    let mut race = Race::new(effort);
    let signers = [
        ("signing GET", signer(prepare.get()?)?),
        ("signing PUT", signer(prepare.put()?)?),
        ("signing UploadPart", signer(prepare.part()?)?),
    ];
    for (name, mut signer) in signers {
        let length = signer.sign().len();
        race.add(name, move || ensure(signer.sign().len() == length, "another length"));
    }
    race.add_prepared("GET", || prepare.get(), |get| check(get, CallKind::GetObject));
    race.add_prepared("PUT", || prepare.put(), |put| check(put, CallKind::PutObject));
    race.add_prepared("UploadPart", || prepare.part(), |part| check(part, CallKind::UploadPart));
    let costs = race.run()?;

    let mut rows = Vec::new();
    for name in ["GET", "PUT", "UploadPart"] {
        let (ours, signing) = (costs.of(name)?, costs.of(&format!("signing {name}"))?.nanoseconds);
        let ratio = ours.nanoseconds / signing;
        rows.push(
            Row::new(format!("build, sign and encode {name}"), "ns", ours.nanoseconds)
                .floor("signing alone", signing)
                .target("ours / signing", ratio, Bound::AtMost(2.5)),
        );
        rows.push(Row::new("… its allocations", "", ours.allocations).target(
            "ours",
            ours.allocations,
            Bound::AtMost(12.0),
        ));
    }
    Ok(rows)
}
