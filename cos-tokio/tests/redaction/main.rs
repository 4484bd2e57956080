//! Whatever is printed, nobody can sign or decrypt with it: all that has a `Debug`, all errors and all
//! logs of a run of both adapters and of the core hold no secret in any form.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics is a test that fails"
)]
#![allow(unreachable_pub, reason = "modules of one test")]

mod core;
mod scene;
mod script;
mod secrets;
mod shown;
mod tap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use scene::{SECOND_TOKEN, SSE_C_KEY, Scene, TOKEN, authorizations, secrets};
use shown::{EVERYTHING, Shown};

#[test]
fn nothing_that_is_printed_or_logged_holds_a_secret() {
    EVERYTHING.start();
    let mut shown: Vec<(&str, String)> = Vec::new();
    let mut sent = String::new();

    let scene = Scene::start();
    let mut core = Shown::default();
    sent.push_str(&core::run(&scene, &mut core));
    shown.push(("the core", core.0));

    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (name, scene) in [("cos-tokio", scene), ("cos-blocking", Scene::start())] {
        let mut of_adapter = Shown::default();
        if name == "cos-tokio" {
            runtime.block_on(script::of_tokio::run(&scene, &mut of_adapter));
        } else {
            script::of_blocking::run(&scene, &mut of_adapter);
        }
        of_adapter.debug(&scene.server);
        scene.server.with(|emulator| of_adapter.debug(emulator));
        let here = scene.tap.sent();
        // Were they not sent, it would be easy not to show them.
        for on_the_wire in [TOKEN, SECOND_TOKEN, &STANDARD.encode(SSE_C_KEY), "q-signature="] {
            assert!(here.contains(on_the_wire), "{name} did not send {on_the_wire}");
        }
        assert!(authorizations(&here).count() > 30, "{name}");
        sent.push_str(&here);
        shown.push((name, of_adapter.0));
        let records = std::mem::take(&mut scene.records.lock().unwrap().0);
        shown.push(("the records of the emulator's server", records));
    }
    let log = EVERYTHING.text();
    // ureq writes down heads sixteen bytes a line: in hexadecimal, two spaces, as text with dots.
    let rows = log.lines().filter_map(|line| line.strip_prefix("ureq_proto::util "));
    shown.push(("ureq's dump", rows.filter_map(|row| row.get(41..)).collect()));
    shown.push(("the log", log.clone()));

    let secrets = secrets(&sent);
    assert!(secrets.shown_in(&sent).len() > 100, "what was sent is made of them");
    for (what, text) in &shown {
        let found = secrets.shown_in(text);
        assert!(found.is_empty(), "{what} shows {found:#?}");
    }
    // What is there instead.
    for (what, expected) in [
        ("the core", "Sensitive"),
        ("the core", "AKIDfirst"),
        ("the core", "Secret(redacted)"),
        ("cos-tokio", "SignatureDoesNotMatch"),
        ("cos-blocking", "SignatureDoesNotMatch"),
        ("cos-tokio", "?…)"),
        ("the log", "attempt refused"),
        ("the log", "attempt failed"),
        ("the log", "cos_attempt"),
        ("ureq's dump", "x-cos-security-token:.~~~~"),
    ] {
        let there = shown.iter().any(|(name, text)| *name == what && text.contains(expected));
        assert!(there, "{what} does not show {expected:?}");
    }
    let ours = log.lines().filter(|line| line.starts_with("cos_"));
    assert!(ours.clone().count() > 100);
    for line in ours {
        assert!(!line.contains("http://"), "{line}");
    }
}
