//! What a commit sends, and how it is settled.

use super::*;

#[test]
fn content_of_one_chunk_is_one_put_even_of_no_bytes() {
    for length in [0, 1, 2 * MIB - 1] {
        let mut service = Service::default();
        let mut scenario = Scenario::driver(Append::No);
        scenario.run(&mut service);
        scenario.take_log();
        scenario.upload.push(content(length));
        let outcome = scenario.committed(&mut service).expect("committed");
        assert_eq!(outcome.verification, Verification::Verified);
        assert_eq!(scenario.take_log(), ["PutObject"], "{length}");
    }
}

#[test]
fn a_single_put_beside_an_upload_aborts_it_before_the_record_goes() {
    let mut service = Service { record: Some(record(9, None, Some(ID))), ..Service::default() };
    let mut scenario = Scenario::driver(Append::Yes);
    scenario.run(&mut service);
    scenario.take_log();
    scenario.committed(&mut service).expect("committed");
    assert_eq!(scenario.take_log(), ["PutObject", "AbortMultipartUpload", "DeleteObject record"]);
    // If the abort fails, the commit does not, and the record goes on naming the upload.
    let mut service = Service { record: Some(record(9, None, Some(ID))), ..Service::default() }
        .with("AbortMultipartUpload", || lost(CallKind::AbortMultipartUpload));
    let mut scenario = Scenario::driver(Append::Yes);
    scenario.run(&mut service);
    scenario.committed(&mut service).expect("committed");
    assert!(service.record.is_some());
}

/// Three parts, and a Complete (or the HEAD after it) that is answered so.
fn commit_answered(
    complete: impl FnMut() -> Answer + 'static,
    object: Option<(usize, &str, Option<u64>)>,
) -> (Result<UploadOutcome, Error>, Vec<String>) {
    let mut service = Service { record: Some(record_with_part(9)), ..Service::default() };
    let mut scenario = Scenario::driver(Append::Yes);
    scenario.run(&mut service);
    scenario.upload.push(content(3 * MIB));
    scenario.run(&mut service);
    scenario.take_log();
    service.object = object.map(|(size, etag, crc64)| (size, etag.to_owned(), crc64));
    let mut service = service.with("CompleteMultipartUpload", complete);
    let result = scenario.committed(&mut service);
    let log = scenario.take_log().into_iter().filter(|call| !call.starts_with("UploadPart"));
    (result, log.collect())
}

fn whole_crc64() -> (usize, u64) {
    let mut crc64 = Crc64::new();
    for piece in [content(2 * MIB), content(9), content(3 * MIB)] {
        crc64.update(&piece);
    }
    (5 * MIB + 9, crc64.value())
}

#[test]
fn commit_follows_its_table_row_by_row() {
    let (size, crc64) = whole_crc64();
    let gone = || refusal(CallKind::CompleteMultipartUpload, 404, "NoSuchUpload");
    let spent = || lost(CallKind::CompleteMultipartUpload);
    let head = ["CompleteMultipartUpload", "HeadObject", "DeleteObject record"];
    // 200 with the right CRC.
    let (result, log) = commit_answered(move || completed(Some(crc64)), None);
    assert_eq!(result.expect("committed").verification, Verification::Verified);
    assert_eq!(log, ["CompleteMultipartUpload", "DeleteObject record"]);
    // 200 without a CRC: one HEAD tells, and without one there it is unverified.
    for (known, verification) in
        [(Some(crc64), Verification::Verified), (None, Verification::Unverified)]
    {
        let (result, log) = commit_answered(|| completed(None), Some((size, "whole-1", known)));
        assert_eq!(result.expect("committed").verification, verification);
        assert_eq!(log, head);
    }
    // 200 with another CRC is corrupt, never "failed, try again"; the record stays.
    let (result, log) = commit_answered(move || completed(Some(crc64 ^ 1)), None);
    assert_eq!(kind(result), ErrorKind::Corrupt);
    assert_eq!(log, ["CompleteMultipartUpload"]);
    // The upload is gone, or the attempts are spent: the object tells.
    for (answer, object, expected) in [
        (&gone as &dyn Fn() -> Answer, Some((size, "whole-3", Some(crc64))), None),
        (&gone, Some((size, "whole-3", None)), None),
        (&gone, None, Some(ErrorKind::UploadLost)),
        (&gone, Some((size, "other", None)), Some(ErrorKind::Overwritten)),
        (&spent, Some((size, "whole-3", Some(crc64))), None),
        (&spent, Some((size, "whole-3", None)), Some(ErrorKind::OutcomeUnknown)),
        (&spent, None, Some(ErrorKind::OutcomeUnknown)),
    ] {
        let answer = answer();
        let mut answer = Some(answer);
        let (result, log) = commit_answered(move || answer.take().expect("one"), object);
        assert_eq!(result.err().map(|error| error.kind().clone()), expected, "{object:?}");
        assert_eq!(log[..2], head[..2]);
        assert_eq!(log.len() == 3, expected.is_none(), "the record goes only with the commit");
    }
    // Another refusal is the result, at once.
    for code in ["InvalidPart", "EntityTooSmall", "AccessDenied"] {
        let (result, log) =
            commit_answered(move || refusal(CallKind::CompleteMultipartUpload, 400, code), None);
        assert_eq!(result.expect_err("refused").code(), Some(code));
        assert_eq!(log, ["CompleteMultipartUpload"]);
    }
    // InvalidPart after an attempt that may have been executed: the upload may have been completed.
    let (result, log) = commit_answered(
        || maybe_done(refusal(CallKind::CompleteMultipartUpload, 400, "InvalidPart")),
        Some((size, "whole-3", Some(crc64))),
    );
    assert_eq!(result.expect("committed").verification, Verification::Verified);
    assert_eq!(log, head);
}

#[test]
fn an_ambiguous_single_put_is_settled_by_a_head() {
    let body = content(9);
    let crc64 = Crc64::of(&body);
    for (object, expected) in [
        (Some((9, "x", Some(crc64))), None),
        (Some((9, "x", Some(crc64 ^ 1))), Some(ErrorKind::OutcomeUnknown)),
        (Some((9, "x", None)), Some(ErrorKind::OutcomeUnknown)),
        (None, Some(ErrorKind::OutcomeUnknown)),
    ] {
        let mut service = Service::default().with("PutObject", || lost(CallKind::PutObject));
        let mut scenario = Scenario::driver(Append::No);
        scenario.run(&mut service);
        service.object = object.map(|(size, etag, crc64)| (size, etag.to_owned(), crc64));
        scenario.upload.push(body.clone());
        let result = scenario.committed(&mut service);
        assert_eq!(result.err().map(|error| error.kind().clone()), expected, "{object:?}");
    }
}
