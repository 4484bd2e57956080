//! Opening, the claim, and what Close keeps.

use super::*;

#[test]
fn opening_follows_its_table_row_by_row() {
    type Row = (
        Append,
        Option<Bytes>,
        Option<(usize, &'static str)>,
        Result<u64, ErrorKind>,
        &'static [&'static str],
    );
    static STALE: [&str; 2] = ["AbortMultipartUpload", "DeleteObject record"];
    let rows: [Row; 13] = [
        (Append::No, None, None, Ok(0), &[]),
        (Append::No, None, Some((5, "x")), Ok(0), &[]),
        (Append::No, Some(record(9, None, Some(ID))), None, Ok(0), &STALE),
        (Append::No, Some(record(9, None, None)), None, Ok(0), &["DeleteObject record"]),
        (Append::Yes, Some(record(9, None, Some(ID))), None, Ok(9), &[]),
        (Append::Yes, Some(record(9, Some("x"), Some(ID))), Some((5, "x")), Ok(9), &[]),
        (Append::Yes, Some(record(9, Some("x"), None)), Some((0, "y")), Ok(0), &STALE[1..]),
        (
            Append::Yes,
            Some(record(9, None, Some(ID))),
            Some((5, "y")),
            Err(ErrorKind::AlreadyCommitted { size: 5 }),
            &STALE,
        ),
        (Append::Yes, None, None, Err(ErrorKind::PathNotFound), &[]),
        (Append::Yes, None, Some((0, "x")), Ok(0), &[]),
        (Append::Yes, None, Some((5, "x")), Err(ErrorKind::AlreadyCommitted { size: 5 }), &[]),
        (Append::No, Some(Bytes::from_static(b"mine")), None, Err(ErrorKind::Malformed), &[]),
        (Append::Yes, Some(Bytes::from_static(b"mine")), None, Err(ErrorKind::Malformed), &[]),
    ];
    for (append, record, object, expected, calls) in rows {
        let shown = format!("{append:?} {record:?} {object:?}");
        let mut service = Service { record, ..Service::default() };
        service.object = object.map(|(size, etag)| (size, etag.to_owned(), None));
        let mut scenario = Scenario::driver(append);
        let result = scenario.run(&mut service);
        let opened = match result {
            None => Ok(scenario.upload.size()),
            Some(output) => Err(kind(output)),
        };
        assert_eq!(opened, expected, "{shown}");
        assert_eq!(scenario.log[..2], ["GetObject record", "HeadObject"], "{shown}");
        assert_eq!(scenario.log[2..], *calls, "{shown}");
    }
}

#[test]
fn a_damaged_record_stops_an_append_and_is_dropped_by_a_create() {
    let mut damaged = record(9, None, Some(ID)).to_vec();
    damaged[20] ^= 1;
    let mut service = Service { record: Some(damaged.into()), ..Service::default() };
    let mut append = Scenario::driver(Append::Yes);
    assert_eq!(kind(append.run(&mut service).expect("an end")), ErrorKind::Malformed);
    assert!(service.record.is_some());
    let mut create = Scenario::driver(Append::No);
    assert!(create.run(&mut service).is_none());
    assert!(service.record.is_none());
}

#[test]
fn an_error_while_opening_is_the_result() {
    for call in ["GetObject", "HeadObject", "AbortMultipartUpload", "DeleteObject"] {
        let mut service = Service { record: Some(record(1, None, Some(ID))), ..Service::default() }
            .with(call, || refusal(CallKind::GetObject, 403, "AccessDenied"));
        let mut scenario = Scenario::driver(Append::No);
        assert_eq!(kind(scenario.run(&mut service).expect("an end")), ErrorKind::Denied, "{call}");
    }
}

#[test]
fn parts_start_only_after_the_claim_is_acknowledged() {
    let mut service = Service::default();
    let mut scenario = Scenario::driver(Append::No);
    scenario.run(&mut service);
    scenario.take_log();
    assert!(scenario.upload.push(content(5 * MIB)).is_empty());
    scenario.start_all();
    assert_eq!(scenario.take_log(), ["InitiateMultipartUpload"]);
    let create = scenario.open.remove(0);
    scenario.answer(create, &mut service);
    scenario.start_all();
    assert_eq!(scenario.take_log(), ["PutObject record"]);
    let claim = scenario.open.remove(0);
    scenario.answer(claim, &mut service);
    let claimed = UploadState::parse(service.record.as_ref().expect("a record")).expect("ours");
    assert_eq!(claimed.upload, Some(UploadId::new(ID).expect("id")));
    assert_eq!((claimed.parts.len(), claimed.tail.len()), (0, 0));
    scenario.start_all();
    assert_eq!(scenario.take_log(), ["UploadPart 1", "UploadPart 2"]);
}

#[test]
fn a_resumed_writer_claims_before_its_first_part_with_what_was_durable() {
    let before = record_with_part(9);
    let mut service = Service { record: Some(before.clone()), ..Service::default() };
    let mut scenario = Scenario::driver(Append::Yes);
    scenario.run(&mut service);
    assert_eq!(scenario.upload.size(), 2 * MIB as u64 + 9);
    scenario.take_log();
    scenario.upload.push(content(2 * MIB));
    scenario.run(&mut service);
    assert_eq!(scenario.take_log(), ["PutObject record", "UploadPart 2"]);
    let (before, claimed) = (
        UploadState::parse(&before).expect("ours"),
        UploadState::parse(service.record.as_ref().expect("a record")).expect("ours"),
    );
    assert_eq!(claimed.session, before.session + 1);
    assert_eq!((claimed.parts, claimed.tail), (before.parts, before.tail));
}

#[test]
fn close_keeps_every_split_and_a_resumed_writer_goes_on_from_it() {
    let whole = content(5 * MIB);
    let chunk = 2 * MIB;
    let splits = [0, 1, 999_999, MIB - 1, MIB, MIB + 1, chunk - 1, chunk, chunk + 1, 2 * chunk + 1];
    for split in splits {
        let mut service = Service::default();
        let mut first = Scenario::driver(Append::No);
        first.run(&mut service);
        first.upload.push(whole.slice(..split));
        let outcome = first.closed(&mut service).expect("closed");
        assert_eq!(outcome.size, split as u64);
        let state = UploadState::parse(service.record.as_ref().expect("a record")).expect("ours");
        assert_eq!(state.size(), split as u64, "{split}");
        assert!(state.tail.len() < MIB, "{split}");

        let mut second = Scenario::driver(Append::Yes);
        assert!(second.run(&mut service).is_none());
        assert_eq!(second.upload.size(), split as u64);
        second.upload.push(whole.slice(split..));
        let crc64 = Crc64::of(&whole);
        let mut service = Service { record: service.record.take(), ..Service::default() }
            .with("CompleteMultipartUpload", move || completed(Some(crc64)));
        let outcome = second.committed(&mut service).expect("committed");
        assert_eq!(outcome.size, whole.len() as u64);
        assert_eq!(outcome.verification, Verification::Verified, "{split}");
        assert!(service.record.is_none(), "{split}");
    }
}

#[test]
fn close_without_new_bytes_sends_nothing_except_from_a_creator() {
    let mut service = Service { record: Some(record_with_part(9)), ..Service::default() };
    let mut append = Scenario::driver(Append::Yes);
    append.run(&mut service);
    append.take_log();
    append.closed(&mut service).expect("closed");
    assert_eq!(append.take_log(), [""; 0]);

    let mut create = Scenario::driver(Append::No);
    service.record = None;
    create.run(&mut service);
    create.take_log();
    create.closed(&mut service).expect("closed");
    assert_eq!(create.take_log(), ["PutObject record"]);
}
