//! The floor of `cos-blocking`: ureq and nothing else. Large bodies are checked by CRC-64.

use std::{
    io::{self, Read},
    net::SocketAddr,
    sync::Mutex,
    thread,
};

use bytes::{Buf as _, Bytes};
use cos_proto::Crc64;
use ureq::{Agent, Body, SendBody, config::ConfigBuilder, http::Response, typestate::AgentScope};

use super::{
    client::{
        BlockingClient, Checked, Failed, PARTS_IN_FLIGHT, ensure, generated, small, small_content,
    },
    parts::{Part, complete_document, crc_header, parts, upload_id},
};
use crate::content;

#[derive(Clone, Debug)]
pub(super) struct BareUreq {
    pub(super) agent: Agent,
    server: SocketAddr,
}

impl BareUreq {
    pub(super) fn new(server: SocketAddr, in_flight: usize) -> Self {
        Self::with(server, in_flight, |config| config)
    }

    /// Configured further.
    pub(super) fn with(
        server: SocketAddr,
        in_flight: usize,
        further: impl FnOnce(ConfigBuilder<AgentScope>) -> ConfigBuilder<AgentScope>,
    ) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_idle_connections(in_flight.max(10))
            .max_idle_connections_per_host(in_flight.max(10))
            .proxy(None);
        Self { agent: Agent::new_with_config(further(config).build()), server }
    }

    pub(super) fn url(&self, key: &str) -> String {
        format!("http://{}/{key}", self.server)
    }

    /// Sends a part with its CRC-64 and answers its ETag.
    fn send_part(&self, path: &str, part: Part) -> Result<String, Failed> {
        let mut body =
            Sent { offset: part.offset, left: part.size, piece: Bytes::new(), crc: Crc64::new() };
        let put = self.agent.put(self.url(path)).header("content-length", part.size.to_string());
        let mut response = put.send(SendBody::from_reader(&mut body))?;
        ensure(crc_of(&response) == Some(&*body.crc.value().to_string()), "part")?;
        let etag = response.headers().get("etag").ok_or("no ETag")?.to_str()?.to_owned();
        response.body_mut().read_to_vec()?;
        Ok(etag)
    }

    fn send_parts(&self, key: &str, id: &str, size: u64) -> Result<Vec<String>, Failed> {
        let waiting = Mutex::new(parts(size));
        let next = || waiting.lock().ok()?.next();
        let work = || {
            let mut sent = Vec::new();
            while let Some(part) = next() {
                let path = format!("{key}?partNumber={}&uploadId={id}", part.number);
                sent.push((part.number, self.send_part(&path, part)?));
            }
            Ok::<_, Failed>(sent)
        };
        let mut etags = thread::scope(|scope| {
            let threads: Vec<_> = (0..PARTS_IN_FLIGHT).map(|_| scope.spawn(work)).collect();
            let mut etags = Vec::new();
            for thread in threads {
                etags.extend(thread.join().map_err(|_| "a thread has panicked")??);
            }
            Ok::<_, Failed>(etags)
        })?;
        etags.sort_unstable();
        Ok(etags.into_iter().map(|(_, etag)| etag).collect())
    }
}

impl BlockingClient for BareUreq {
    fn get(&self) -> Checked {
        let mut response = self.agent.get(self.url("generated/1024")).call()?;
        ensure(response.body_mut().read_to_vec()? == small_content(), "small object")
    }

    fn put(&self, number: usize) -> Checked {
        let mut response = self.agent.put(self.url(&small(number))).send(&small_content()[..])?;
        response.body_mut().read_to_vec()?;
        ensure(crc_of(&response).is_some(), "small object")
    }

    fn download(&self, size: u64) -> Checked {
        let response = self.agent.get(self.url(&generated(size))).call()?;
        let expected = crc_of(&response).unwrap_or_default().to_owned();
        let mut body = response.into_body().into_reader();
        let (mut read, mut crc, mut buffer) = (0, Crc64::new(), vec![0; 256 * 1024]);
        loop {
            match body.read(&mut buffer)? {
                0 => break,
                length => {
                    read += length as u64;
                    crc.update(&buffer[..length]);
                }
            }
        }
        ensure(read == size && crc.value().to_string() == expected, "download")
    }

    fn upload(&self, key: &str, size: u64) -> Checked {
        let begun = self.agent.post(self.url(&format!("{key}?uploads"))).send_empty()?;
        let begun = begun.into_body().read_to_string()?;
        let id = upload_id(&begun).ok_or("no upload id")?;
        let etags = self.send_parts(key, id, size)?;
        let complete = self.agent.post(self.url(&format!("{key}?uploadId={id}")));
        let mut response = complete.send(complete_document(&etags))?;
        response.body_mut().read_to_vec()?;
        ensure(crc_of(&response) == Some(&*crc_header(size)), "upload")
    }
}

fn crc_of(response: &Response<Body>) -> Option<&str> {
    response.headers().get("x-cos-hash-crc64ecma")?.to_str().ok()
}

/// A body of generated content, with its CRC-64.
struct Sent {
    offset: u64,
    left: u64,
    piece: Bytes,
    crc: Crc64,
}

impl Read for Sent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            self.piece = content::piece(self.offset, self.left);
            self.offset += self.piece.len() as u64;
            self.left -= self.piece.len() as u64;
        }
        let length = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..length]);
        self.crc.update(&buffer[..length]);
        Ok(length)
    }
}
