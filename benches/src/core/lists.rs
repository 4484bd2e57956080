//! Reading a page of 1000 keys.

use std::{error::Error, fmt::Write as _};

use bytes::Bytes;
use cos_proto::{Event, Machine, Output, Policy, RequestId, Session, api::ListOptions, op::List};
use http::Response;
use quick_xml::{Reader, events::Event as Xml};

use super::{
    OURS,
    measure::{Effort, Race, ensure},
    sample::{self, NOW},
};
use crate::row::{Bound, Row, Rows};

/// As many as COS puts on a page.
pub(super) const KEYS: usize = 1000;

/// A page as COS prints it, of blobs of a registry.
#[derive(Debug)]
pub struct Page {
    session: Session,
    body: Bytes,
}

/// A machine that has asked for the page, and the page.
#[expect(missing_debug_implementations, reason = "the page is long")]
pub struct Asked {
    machine: Machine<List>,
    id: RequestId,
    reply: Option<Box<Response<Bytes>>>,
}

impl Page {
    pub fn new() -> Result<Self, Box<dyn Error>> {
        Ok(Self { session: sample::session()?, body: text()?.into() })
    }

    pub fn body(&self) -> &Bytes {
        &self.body
    }

    pub fn ask(&self) -> Result<Asked, Box<dyn Error>> {
        let list = List::new(ListOptions::new("docker/"));
        let mut machine = Machine::new(list, self.session.clone(), Policy::default(), 0);
        let Output::Send(transmit) = machine.poll_output(NOW) else {
            return Err("no list is asked for".into());
        };
        let fields = [("content-type", "application/xml")];
        let reply = sample::reply(&fields, self.body.len(), self.body.clone())?;
        Ok(Asked { machine, id: transmit.id, reply: Some(Box::new(reply)) })
    }
}

impl Asked {
    /// Reads the page, once: how many keys and bytes of objects are on it.
    pub fn read(&mut self) -> Option<(usize, u64)> {
        self.machine.handle(NOW, self.id, Event::Reply(self.reply.take()?));
        let page = self.machine.operation_mut().take_page()?;
        Some((page.objects.len(), page.objects.iter().map(|object| object.size).sum()))
    }
}

/// The events alone: how many keys there are.
pub fn events(body: &[u8]) -> Result<usize, Box<dyn Error>> {
    let mut reader = Reader::from_str(str::from_utf8(body)?);
    let mut keys = 0;
    loop {
        match reader.read_event()? {
            Xml::Start(start) if start.name().as_ref() == "Key" => keys += 1,
            Xml::Eof => return Ok(keys),
            _ => {}
        }
    }
}

/// The bytes of all objects on the page.
pub(super) fn sizes() -> u64 {
    (0..KEYS as u64).map(size).sum()
}

fn size(index: u64) -> u64 {
    index.wrapping_mul(7_919_513) % 50_000_000
}

fn text() -> Result<String, std::fmt::Error> {
    let mut out = String::from(HEAD);
    for index in 0..KEYS as u64 {
        let digest = format!("{:016x}", index << 54 | index).repeat(4);
        let folder = digest.get(..2).unwrap_or_default();
        write!(
            out,
            "\t<Contents>\n\
             \t\t<Key>docker/registry/v2/blobs/sha256/{folder}/{digest}/data</Key>\n\
             \t\t<LastModified>2026-11-20T03:37:{:02}.000Z</LastModified>\n\
             \t\t<ETag>&quot;{:032x}&quot;</ETag>\n\
             \t\t<Size>{}</Size>\n\
             \t\t<Owner>\n\t\t\t<ID>1250000000</ID>\n\
             \t\t\t<DisplayName>1250000000</DisplayName>\n\t\t</Owner>\n\
             \t\t<StorageClass>STANDARD</StorageClass>\n\t</Contents>\n",
            index % 60,
            u128::from(index) << 90 | u128::from(index) << 33 | 0xabc,
            size(index),
        )?;
    }
    out.push_str("</ListBucketResult>\n");
    Ok(out)
}

const HEAD: &str = "<?xml version='1.0' encoding='utf-8' ?>\n<ListBucketResult>\n\
    \t<Name>examplebucket-1250000000</Name>\n\t<EncodingType>url</EncodingType>\n\
    \t<Prefix>docker/</Prefix>\n\t<Marker/>\n\t<MaxKeys>1000</MaxKeys>\n\
    \t<IsTruncated>true</IsTruncated>\n\
    \t<NextMarker>docker/registry/v2/blobs/sha256/ff</NextMarker>\n";

pub fn rows(effort: Effort) -> Rows {
    let page = Page::new()?;
    let expected = Some((KEYS, sizes()));
    let mut race = Race::new(effort);
    race.add_prepared(
        OURS,
        || page.ask(),
        |asked| ensure(asked.read() == expected, "another page"),
    );
    race.add("events", || ensure(events(page.body())? == KEYS, "other keys"));
    #[cfg(feature = "peers")]
    super::peers::read_list(&mut race, page.body());
    let costs = race.run()?;

    let (ours, floor) = (costs.of(OURS)?, costs.of("events")?);
    let micros = ours.nanoseconds / 1e3;
    let mut time = Row::new("read a list page of 1000 keys", "µs", micros)
        .floor("bare quick-xml events", floor.nanoseconds / 1e3)
        .target("ours / floor", ours.nanoseconds / floor.nanoseconds, Bound::AtMost(1.5))
        .note(format!("a page of {} bytes", page.body().len()));
    let per_key = ours.allocations / KEYS as f64;
    let mut memory =
        Row::new("… allocations per key", "", per_key).target("ours", per_key, Bound::AtMost(1.0));
    if let Some(opendal) = costs.get("OpenDAL") {
        let ratio = opendal.nanoseconds / ours.nanoseconds;
        time = time.peer("OpenDAL's way", opendal.nanoseconds / 1e3).target(
            "OpenDAL / ours",
            ratio,
            Bound::AtLeast(3.0),
        );
        memory = memory.peer("OpenDAL's way", opendal.allocations / KEYS as f64);
    }
    Ok(vec![time, memory])
}
