//! Kept connections that are closed under the client, or that carry more than was asked for.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use cos_proto::Error;

use crate::{
    ask,
    either::Driver,
    peer::{Connection, answer},
    service::reply,
    trial::{Case, Expected},
};

const ABC: &str = "ETag: \"e\"\r\nx-cos-hash-crc64ecma: 3231342946509354535\r\n";

fn three(driver: &Driver) -> Result<(), Error> {
    for _ in 0..3 {
        let content = driver.get_content("/file")?;
        assert_eq!(&content[..], b"abc", "an answer that nobody asked for");
    }
    Ok(())
}

fn five_puts(driver: &Driver) -> Result<(), Error> {
    (0..5).try_for_each(|_| driver.put_content("/file", Bytes::from_static(b"abc")))
}

#[test]
fn connections_closed_under_the_client_lose_nothing() {
    let abc = || answer("200 OK", ABC, "abc");
    let put = || answer("200 OK", ABC, "");
    crate::run(&[
        Case::new(
            "closed after each answer",
            move |peer: &mut Connection| {
                if peer.request().is_some() {
                    peer.send(abc());
                }
            },
            three,
            Expected::Fine,
        ),
        Case::new(
            "closed after each PUT's answer",
            move |peer: &mut Connection| {
                if peer.request().is_some() {
                    peer.send(put());
                }
            },
            five_puts,
            Expected::Fine,
        ),
        Case::new(
            "closed when the second request comes",
            move |peer: &mut Connection| {
                if peer.request().is_some() && peer.send(put()) {
                    let _ = peer.tcp.peek(&mut [0]);
                }
            },
            five_puts,
            Expected::Fine,
        ),
        Case::new(
            "closed after the second request without an answer",
            move |peer: &mut Connection| {
                if peer.request().is_some() && peer.send(put()) {
                    peer.request();
                }
            },
            five_puts,
            Expected::Fine,
        ),
        Case::new(
            "closed in the middle of the second answer",
            move |peer: &mut Connection| {
                if peer.request().is_some() && peer.send(abc()) && peer.request().is_some() {
                    peer.send(&abc()[..20]);
                }
            },
            three,
            Expected::Fine,
        ),
        Case::new(
            "says that it closes and does not",
            move |peer: &mut Connection| {
                if peer.request().is_some() {
                    peer.send(answer("200 OK", &format!("Connection: close\r\n{ABC}"), "abc"));
                    // It must not be asked again.
                    assert!(peer.request().is_none(), "a second request");
                }
            },
            three,
            Expected::Fine,
        ),
        Case::new(
            "an answer before it is asked for",
            move |peer: &mut Connection| {
                let smuggled = answer("200 OK", "ETag: \"e\"\r\n", "xyz");
                if peer.request().is_some()
                    && peer.send(format!("{}{smuggled}", abc()))
                    && peer.request().is_some()
                {
                    peer.send(abc());
                }
            },
            |driver| {
                let content = driver.get_content("/file")?;
                assert_eq!(&content[..], b"abc");
                // Time for all of it to arrive, as a client has between two requests.
                std::thread::sleep(std::time::Duration::from_millis(200));
                let content = driver.get_content("/file")?;
                assert_eq!(&content[..], b"abc", "an answer that nobody asked for");
                Ok(())
            },
            Expected::Fine,
        ),
        Case::new(
            "an answer with more than its length",
            move |peer: &mut Connection| {
                if peer.request().is_some()
                    && peer.send(format!("{}garbage", abc()))
                    && peer.request().is_some()
                {
                    peer.send(abc());
                }
            },
            three,
            Expected::Fine,
        ),
    ]);
}

/// As much of a service as an upload needs, which closes after reading each request for the first
/// time: whatever is not a repetition is lost.
#[test]
fn an_upload_survives_the_loss_of_every_first_answer_and_tells_every_request() {
    #[derive(Default)]
    struct Service {
        lines: Mutex<std::collections::BTreeMap<String, usize>>,
        created: AtomicUsize,
    }
    let service = || {
        let service = Arc::new(Service::default());
        move |peer: &mut Connection| {
            while let Some(line) = peer.request() {
                let times = {
                    let mut lines = service.lines.lock().expect("lock");
                    let times = lines.entry(line.clone()).or_default();
                    *times += 1;
                    *times
                };
                if times % 2 == 1 {
                    return;
                }
                let id = format!("id{}", service.created.fetch_add(1, Ordering::AcqRel));
                let reply = reply(&line, &id);
                if !peer.send(reply) {
                    return;
                }
            }
        }
    };
    crate::run(&[Case::new("every first answer lost", service(), ask::commit, Expected::Fine)]);
}
