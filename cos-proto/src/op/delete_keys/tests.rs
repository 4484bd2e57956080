//! Batches and their failures against a store in memory.

use super::*;
use crate::{
    CallKind, ErrorKind, Reason,
    op::test_store::{Effect, Store, key},
};

fn failing(key: &str, code: &str) -> String {
    format!(
        "<DeleteResult><Error><Key>{key}</Key><Code>{code}</Code><Message>m</Message></Error>\
         </DeleteResult>"
    )
}

#[test]
fn goes_in_batches_of_a_thousand_taken_as_they_start() {
    let names: Vec<String> = (0..2_500).map(|number| format!("k{number:04}")).collect();
    let mut store = Store::new();
    for name in &names {
        store = store.with(name, "x");
    }
    let count = store.run(DeleteKeys::new(names.iter().map(|name| key(name))), 2).expect("deleted");
    assert_eq!((count.keys, store.calls(CallKind::DeleteMultipleObjects)), (2_500, 3));
    assert!(store.objects.is_empty());
    assert_eq!(store.run(DeleteKeys::new([]), 2).expect("nothing").keys, 0);
}

#[test]
fn a_lone_key_and_one_that_xml_cannot_carry_go_by_themselves() {
    let mut store = Store::new().with("a", "x").with("b\u{1}", "x").with("c", "x").with("d", "x");
    let keys = ["a", "b\u{1}", "c", "d"].map(key);
    assert_eq!(store.run(DeleteKeys::new(keys), 1).expect("deleted").keys, 4);
    assert!(store.objects.is_empty());
    assert_eq!(store.calls(CallKind::DeleteObject), 2);
    assert_eq!(store.calls(CallKind::DeleteMultipleObjects), 1);
}

#[test]
fn a_failure_that_may_pass_is_tried_again_for_that_key_alone() {
    let mut store = Store::new().with("a", "x").with("b", "x").fault(
        "DeleteMultipleObjects",
        1,
        Effect::Say(failing("b", "InternalError")),
    );
    let mut operation = DeleteKeys::new(["a", "b"].map(key));
    assert!(matches!(operation.next(), Next::Call(_)));
    let tag = Tag(*operation.batches.ids().first().expect("one batch"));
    let first = operation.call(tag).body.to_bytes();
    assert!(first.windows(12).any(|text| text == b"<Key>a</Key>"));
    let reply = Reply::new(http::Response::new(failing("b", "InternalError").into()), false);
    assert!(matches!(operation.on_reply(tag, reply), Err(Rejected::Retry(_))));
    let second = String::from_utf8(operation.call(tag).body.to_bytes().to_vec()).expect("UTF-8");
    assert!(second.contains("<Key>b</Key>") && !second.contains("<Key>a</Key>"), "{second}");
    assert_eq!(store.run(DeleteKeys::new(["a", "b"].map(key)), 1).expect("deleted").keys, 2);
}

#[test]
fn a_failure_that_stays_is_listed_with_its_code() {
    for (code, kind) in [("AccessDenied", ErrorKind::Denied), ("InternalError", ErrorKind::Service)]
    {
        let mut store = Store::new().with("a", "x").with("b", "x").fault(
            "DeleteMultipleObjects",
            usize::MAX,
            Effect::Say(failing("b", code)),
        );
        let error = store.run(DeleteKeys::new(["a", "b"].map(key)), 1).expect_err(code);
        assert_eq!(error.kind(), &kind, "{code}");
        let failures: Vec<_> = error.failures().iter().map(|f| (&*f.key, &*f.code)).collect();
        assert_eq!(failures, [("b", code)]);
        assert!(error.to_string().contains(&format!("b: {code}")), "{error}");
    }
}

/// Whatever it means, it does not say that our keys are gone.
#[test]
fn an_answer_about_a_key_that_was_not_asked_for_deletes_nothing() {
    for code in ["AccessDenied", "InternalError"] {
        let mut operation = DeleteKeys::new(["a", "b"].map(key));
        assert!(matches!(operation.next(), Next::Call(_)));
        let tag = Tag(*operation.batches.ids().first().expect("one batch"));
        let asked = operation.call(tag).body.to_bytes();
        let reply = Reply::new(http::Response::new(failing("c", code).into()), false);
        let refused = operation.on_reply(tag, reply);
        assert!(matches!(refused, Err(Rejected::Retry(Reason::Malformed(_)))), "{refused:?}");
        assert_eq!(operation.call(tag).body.to_bytes(), asked, "the same again");

        let says = Effect::Say(failing("c", code));
        let store = || Store::new().with("a", "x").with("b", "x");
        let mut once = store().fault("DeleteMultipleObjects", 1, says.clone());
        assert_eq!(once.run(DeleteKeys::new(["a", "b"].map(key)), 1).expect("deleted").keys, 2);
        let mut always = store().fault("DeleteMultipleObjects", usize::MAX, says);
        let error = always.run(DeleteKeys::new(["a", "b"].map(key)), 1).expect_err("malformed");
        let left: Vec<_> = error.failures().iter().map(|failure| &*failure.key).collect();
        assert_eq!((error.kind(), left), (&ErrorKind::Malformed, vec!["a", "b"]));
    }
}

#[test]
fn a_batch_that_fails_as_a_whole_is_listed_key_by_key_with_the_failed_call() {
    let mut store =
        Store::new().fault("DeleteMultipleObjects", 9, Effect::Refuse(403, "AccessDenied"));
    let error = store.run(DeleteKeys::new(["a", "b"].map(key)), 1).expect_err("denied");
    assert_eq!((error.kind(), error.code()), (&ErrorKind::Denied, Some("AccessDenied")));
    assert_eq!(error.failures().len(), 2);
}

#[test]
fn after_a_thousand_failures_nothing_new_is_started() {
    let keys = (0..5_000).map(|number| key(&format!("k{number}")));
    let mut store =
        Store::new().fault("DeleteMultipleObjects", 9, Effect::Refuse(403, "AccessDenied"));
    let error = store.run(DeleteKeys::new(keys), 1).expect_err("denied");
    assert_eq!(error.failures().len(), 1_000);
    assert_eq!(store.calls(CallKind::DeleteMultipleObjects), 1);
}
