//! Answers that are no answers: garbage, redirects, lists without an end.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use cos_proto::{ErrorKind, FailureKind::*};

use crate::{
    ask,
    peer::{Connection, Peer, answer},
    trial::{Case, Expected},
};

fn all(answer: impl Into<String>) -> impl Fn(&mut Connection) {
    let answer = answer.into();
    move |peer| peer.answer_all(&answer)
}

#[test]
fn garbage_is_malformed() {
    let bad = || Expected::Kind(ErrorKind::Malformed);
    crate::run(&[
        Case::new(
            "another protocol",
            all("220 mail.example ESMTP\r\n"),
            ask::get,
            Expected::Failure(Malformed),
        ),
        Case::new(
            "HTTP/2 without being asked",
            all("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
            ask::get,
            Expected::Failure(Malformed),
        ),
        Case::new(
            "a status that is none",
            all("HTTP/1.1 abc OK\r\n\r\n"),
            ask::get,
            Expected::Failure(Malformed),
        ),
        Case::new(
            "a status beyond 999",
            all("HTTP/1.1 2000 OK\r\n\r\n"),
            ask::get,
            Expected::Failure(Malformed),
        ),
        Case::new(
            "a switch of protocols",
            all("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"),
            ask::get,
            Expected::Wrong,
        ),
        Case::new(
            "a header with a NUL",
            all("HTTP/1.1 200 OK\r\nx: \0\r\nContent-Length: 0\r\n\r\n"),
            ask::get,
            Expected::Failure(Malformed),
        ),
        Case::new("a list that is no XML", all(answer("200 OK", "", "garbage")), ask::list, bad()),
        Case::new(
            "a list that is a web page",
            all(answer("200 OK", "", "<html><body>log in</body></html>")),
            ask::list,
            bad(),
        ),
        Case::new("an empty list document", all(answer("200 OK", "", "")), ask::list, bad()),
        Case::new("deep XML", all(answer("200 OK", "", &"<a>".repeat(100_000))), ask::list, bad()),
        Case::new(
            "an entity bomb",
            all(answer(
                "200 OK",
                "",
                "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>\
             <ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>&b;</Key><ETag>\"e\"</ETag><Size>1</Size></Contents></ListBucketResult>",
            )),
            ask::list,
            bad(),
        ),
        Case::new("an object without an ETag", all(answer("200 OK", "", "abc")), ask::get, bad()),
        Case::new(
            "a PUT's answer without an ETag",
            all(answer("200 OK", "", "")),
            ask::put,
            Expected::Wrong,
        ),
        Case::new(
            "a PUT answered by a web page",
            all(answer("200 OK", "", "<html>log in</html>")),
            ask::put,
            Expected::Wrong,
        ),
    ]);
}

#[test]
fn redirects_are_not_followed() {
    let elsewhere = Peer::start(
        None,
        Arc::new(|peer: &mut Connection| {
            peer.answer_all(answer("200 OK", "ETag: \"e\"\r\n", "abc"));
        }),
    );
    let target = elsewhere.address;
    let redirect =
        |status: &str| all(answer(status, &format!("Location: http://{target}/file\r\n"), ""));
    let refused = |status| Expected::Status(status, ErrorKind::Service);
    crate::run(&[
        Case::new("301", redirect("301 Moved Permanently"), ask::get, refused(301)),
        Case::new("302", redirect("302 Found"), ask::get, refused(302)),
        Case::new("303", redirect("303 See Other"), ask::get, refused(303)),
        Case::new("307", redirect("307 Temporary Redirect"), ask::get, refused(307)),
        Case::new("308", redirect("308 Permanent Redirect"), ask::get, refused(308)),
        Case::new("307 of a stream", redirect("307 Temporary Redirect"), ask::read, refused(307)),
        Case::new("307 of a PUT", redirect("307 Temporary Redirect"), ask::put, refused(307)),
        Case::new("302 of a list", redirect("302 Found"), ask::list, refused(302)),
    ]);
    assert_eq!(elsewhere.seen.lines(), [""; 0], "credentials went elsewhere");
}

/// A page that says there is more after `next`.
fn page(keys: &[String], next: &str) -> String {
    let entry = |key| ["<Contents><Key>", key, "</Key><ETag>\"e\"</ETag><Size>1</Size></Contents>"];
    let keys: String = keys.iter().flat_map(|key| entry(key)).collect();
    let body = format!(
        "<ListBucketResult><IsTruncated>true</IsTruncated><NextMarker>{next}</NextMarker>{keys}\
         </ListBucketResult>"
    );
    answer("200 OK", "", &body)
}

#[test]
fn lists_that_go_round_in_circles_are_malformed() {
    let same = || all(page(&["folder/a".to_owned()], "folder/a"));
    let back = |peer: &mut Connection| {
        let markers = ["folder/c", "folder/b"];
        let mut turn = markers.iter().cycle();
        while peer.request().is_some() {
            let marker = turn.next().expect("a cycle");
            if !peer.send(page(&[(*marker).to_owned()], marker)) {
                return;
            }
        }
    };
    crate::run(&[
        Case::new(
            "the same page for ever",
            same(),
            ask::list,
            Expected::Kind(ErrorKind::Malformed),
        ),
        Case::new(
            "the same page for ever, walked",
            same(),
            ask::walk,
            Expected::Kind(ErrorKind::Malformed),
        ),
        Case::new("to and fro", back, ask::list, Expected::Kind(ErrorKind::Malformed)),
        Case::new(
            "no marker",
            all(answer(
                "200 OK",
                "",
                "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
            )),
            ask::list,
            Expected::Kind(ErrorKind::Malformed),
        ),
    ]);
}

/// Pages that advance, without end.
fn advancing(entries: usize) -> impl Fn(&mut Connection) {
    let count = AtomicUsize::new(0);
    let kept = Mutex::new(());
    move |peer| {
        while peer.request().is_some() {
            let _one_at_a_time = kept.lock();
            let number = count.fetch_add(1, Ordering::AcqRel);
            let filler = "x".repeat(700);
            let keys: Vec<_> = (0..entries)
                .map(|entry| format!("folder/{number:09}-{entry:04}{filler}"))
                .collect();
            if !peer.send(page(&keys, &format!("folder/{number:09}~"))) {
                return;
            }
        }
    }
}

#[test]
fn lists_that_never_end_are_given_up() {
    crate::run(&[
        Case::new(
            "empty pages for ever",
            advancing(0),
            ask::list,
            Expected::Kind(ErrorKind::Malformed),
        ),
        Case::new(
            "empty pages for ever, walked",
            advancing(0),
            ask::walk,
            Expected::Kind(ErrorKind::Malformed),
        ),
    ]);
}
