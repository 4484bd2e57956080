//! Cancel, failures, strays, and calls in the wrong order.

use super::*;

#[test]
fn a_failed_delete_of_the_record_does_not_fail_the_commit() {
    let mut service = Service { record: Some(record(9, None, None)), ..Service::default() }
        .with("DeleteObject", || lost(CallKind::DeleteObject));
    let mut scenario = Scenario::driver(Append::Yes);
    scenario.run(&mut service);
    assert!(scenario.committed(&mut service).is_ok());
}

#[test]
fn cancel_aborts_first_and_drops_the_record_last() {
    let mut service = Service { record: Some(record_with_part(9)), ..Service::default() };
    let mut scenario = Scenario::driver(Append::Yes);
    scenario.run(&mut service);
    scenario.take_log();
    scenario.upload.push(content(9));
    scenario.cancelled(&mut service).expect("cancelled");
    assert_eq!(scenario.take_log(), ["AbortMultipartUpload", "DeleteObject record"]);
    // An upload that is gone already is as good as aborted; one that cannot be aborted is an error.
    for (code, ok) in [("NoSuchUpload", true), ("AccessDenied", false)] {
        let status = if ok { 404 } else { 403 };
        let mut service = Service { record: Some(record_with_part(9)), ..Service::default() }
            .with("AbortMultipartUpload", move || {
                refusal(CallKind::AbortMultipartUpload, status, code)
            });
        let mut scenario = Scenario::driver(Append::Yes);
        scenario.run(&mut service);
        assert_eq!(scenario.cancelled(&mut service).is_ok(), ok);
        assert_eq!(service.record.is_none(), ok, "the record names what could not be aborted");
    }
}

#[test]
fn cancel_waits_for_what_is_in_flight_so_that_nothing_comes_after_the_abort() {
    let mut service = Service::default();
    let mut scenario = Scenario::driver(Append::No);
    scenario.run(&mut service);
    scenario.upload.push(content(5 * MIB));
    scenario.start_all();
    scenario.take_log();
    scenario.upload.cancel().expect("open");
    assert!(scenario.start_all().is_none());
    assert_eq!(scenario.take_log(), [""; 0]);
    assert!(scenario.run(&mut service).expect("an end").is_ok());
    assert_eq!(scenario.take_log(), ["AbortMultipartUpload"]);
}

#[test]
fn a_cancel_that_cannot_abort_ends_with_the_error() {
    let budget = || MemoryBudget::new(64 * MIB as u64);
    let options = || UploadOptions::new(budget()).chunk_size(2 * MIB as u64);
    for mut scenario in [
        Scenario::of(Upload::start(key(), options())),
        Scenario::of(Upload::start(key(), options().on_failure(OnFailure::Keep))),
        Scenario::driver(Append::No),
    ] {
        let mut service = Service::default()
            .with("Abort", || refusal(CallKind::AbortMultipartUpload, 403, "AccessDenied"));
        scenario.run(&mut service);
        scenario.upload.push(content(2 * MIB));
        scenario.run(&mut service);
        assert_eq!(kind(scenario.cancelled(&mut service)), ErrorKind::Denied);
        let aborts = scenario.log.iter().filter(|call| *call == "AbortMultipartUpload");
        assert_eq!(aborts.count(), 1);
        assert!(!scenario.log.iter().any(|call| call == "DeleteObject record"), "it names it");
    }
}

#[test]
fn what_a_writer_has_removed_is_not_remembered_as_lately_made() {
    for (commits, left) in [(true, 1), (false, 0)] {
        let recent = Recent::empty();
        let options = UploadOptions::new(MemoryBudget::new(64 * MIB as u64))
            .chunk_size(2 * MIB as u64)
            .recent(recent.clone());
        let upload = Upload::with_record(key(), Append::No, options).expect("short key");
        let (mut scenario, mut service) = (Scenario::of(upload), Service::default());
        scenario.run(&mut service);
        scenario.upload.push(content(2 * MIB));
        scenario.run(&mut service);
        assert_eq!(recent.len(), 2, "the upload and its record");
        if commits {
            scenario.committed(&mut service).expect("committed");
        } else {
            scenario.cancelled(&mut service).expect("cancelled");
        }
        assert_eq!(recent.len(), left, "at most the object");
    }
}

#[test]
fn a_drivers_writer_never_aborts_on_failure() {
    let mut service = Service { record: Some(record_with_part(9)), ..Service::default() }
        .with("UploadPart", || refusal(CallKind::UploadPart, 403, "AccessDenied"));
    let mut scenario = Scenario::driver(Append::Yes);
    scenario.run(&mut service);
    scenario.upload.push(content(5 * MIB));
    assert_eq!(kind(scenario.run(&mut service).expect("an end")), ErrorKind::Denied);
    assert!(!scenario.log.iter().any(|call| call.starts_with("Abort")), "{:?}", scenario.log);
    assert!(service.record.is_some());
    assert_eq!(scenario.upload.commit().expect_err("failed").kind(), &ErrorKind::Denied);
}

#[test]
fn an_upload_that_no_record_can_name_is_aborted() {
    // A claim that may have been written names it; one that was refused does not.
    for (refused, aborts) in [(true, true), (false, false)] {
        let mut service = Service::default().with("PutObject record", move || {
            if refused {
                refusal(CallKind::PutObject, 403, "AccessDenied")
            } else {
                lost(CallKind::PutObject)
            }
        });
        let mut scenario = Scenario::driver(Append::No);
        scenario.run(&mut service);
        scenario.upload.push(content(5 * MIB));
        let failed = kind(scenario.run(&mut service).expect("an end"));
        assert_eq!(failed == ErrorKind::Denied, refused, "the claim's failure is told");
        let aborted = scenario.log.iter().any(|call| call == "AbortMultipartUpload");
        assert_eq!(aborted, aborts, "{:?}", scenario.log);
        assert!(!scenario.log.iter().any(|call| call.starts_with("Delete")), "{:?}", scenario.log);
    }
}

#[test]
fn an_upload_that_a_record_names_survives_a_refused_claim() {
    let mut service = Service { record: Some(record_with_part(9)), ..Service::default() }
        .with("PutObject record", || refusal(CallKind::PutObject, 403, "AccessDenied"));
    let mut scenario = Scenario::driver(Append::Yes);
    scenario.run(&mut service);
    scenario.upload.push(content(5 * MIB));
    assert_eq!(kind(scenario.run(&mut service).expect("an end")), ErrorKind::Denied);
    assert!(!scenario.log.iter().any(|call| call.starts_with("Abort")), "{:?}", scenario.log);
}

#[test]
fn a_key_level_writer_aborts_what_it_created_unless_told_to_keep_it() {
    for (on_failure, aborts) in [(OnFailure::Abort, true), (OnFailure::Keep, false)] {
        let options = UploadOptions::new(MemoryBudget::new(64 * MIB as u64))
            .chunk_size(2 * MIB as u64)
            .on_failure(on_failure);
        let mut scenario = Scenario::of(Upload::start(key(), options));
        let mut service = Service::default()
            .with("UploadPart 2", || refusal(CallKind::UploadPart, 403, "AccessDenied"));
        scenario.upload.push(content(5 * MIB));
        assert_eq!(kind(scenario.run(&mut service).expect("an end")), ErrorKind::Denied);
        let aborted = scenario.log.iter().any(|call| call == "AbortMultipartUpload");
        assert_eq!(aborted, aborts, "{:?}", scenario.log);
        assert!(!scenario.log.iter().any(|call| call.ends_with("record")));
    }
}

#[test]
fn a_failure_after_a_create_that_may_have_run_twice_mentions_a_stray() {
    for (repeats, mentioned) in [(true, true), (false, false)] {
        let options = UploadOptions::new(MemoryBudget::new(64 * MIB as u64));
        let mut scenario = Scenario::of(Upload::start(key(), options.chunk_size(2 * MIB as u64)));
        let mut service = Service::default()
            .with("InitiateMultipartUpload", move || {
                if repeats { repeated(created(ID)) } else { created(ID) }
            })
            .with("UploadPart 2", || refusal(CallKind::UploadPart, 403, "AccessDenied"));
        scenario.upload.push(content(5 * MIB));
        let error = scenario.run(&mut service).expect("an end").expect_err("denied");
        assert_eq!(error.to_string().contains("a sweep removes"), mentioned, "{error}");
    }
    let options = UploadOptions::new(MemoryBudget::new(64 * MIB as u64));
    let mut scenario = Scenario::of(Upload::start(key(), options.chunk_size(2 * MIB as u64)));
    let mut service = Service::default()
        .with("InitiateMultipartUpload", || lost(CallKind::InitiateMultipartUpload));
    scenario.upload.push(content(5 * MIB));
    let error = scenario.run(&mut service).expect("an end").expect_err("no upload id");
    assert!(error.to_string().contains("a sweep removes"), "{error}");
}

#[test]
fn a_key_level_writer_hands_its_state_to_the_caller_and_resumes_from_it() {
    let options =
        || UploadOptions::new(MemoryBudget::new(64 * MIB as u64)).chunk_size(2 * MIB as u64);
    let mut service = Service::default();
    let mut first = Scenario::of(Upload::start(key(), options()));
    first.upload.push(content(2 * MIB + 9));
    let state = first.closed(&mut service).expect("closed").state.expect("a state");
    assert_eq!(state.size(), 2 * MIB as u64 + 9);
    let again = UploadState::parse(&state.to_bytes()).expect("a checkpoint");
    let mut second = Scenario::of(Upload::resume(key(), again, options()));
    assert_eq!(second.upload.size(), 2 * MIB as u64 + 9);
    second.upload.push(content(MIB));
    second.committed(&mut service).expect("committed");
    assert_eq!(second.log[..2], ["UploadPart 2", "CompleteMultipartUpload"]);
}

#[test]
fn the_state_has_no_holes_whatever_was_acknowledged_when_it_is_taken() {
    let options = || {
        UploadOptions::new(MemoryBudget::new(64 * MIB as u64))
            .chunk_size(2 * MIB as u64)
            .on_failure(OnFailure::Keep)
    };
    let mut service = Service::default();
    let mut scenario = Scenario::of(Upload::start(key(), options()));
    scenario.upload.push(content(6 * MIB + 9));
    assert!(scenario.start_all().is_none());
    let create = scenario.open.remove(0);
    scenario.answer(create, &mut service);
    assert!(scenario.start_all().is_none());
    assert_eq!(scenario.log[1..], ["UploadPart 1", "UploadPart 2", "UploadPart 3"]);
    let size = |upload: &Upload| (upload.state().parts.len(), upload.state().size());
    let (first, second, third) = (scenario.open[0], scenario.open[1], scenario.open[2]);
    scenario.answer(third, &mut service);
    assert_eq!(size(&scenario.upload), (0, 0));
    scenario.answer(first, &mut service);
    assert_eq!(size(&scenario.upload), (1, 2 * MIB as u64), "what follows a hole does not count");
    scenario.upload.push(content(MIB));
    scenario.answer(second, &mut service);
    assert_eq!(size(&scenario.upload), (3, 6 * MIB as u64), "a long tail is no checkpoint's");

    let mut failing = Scenario::of(Upload::start(key(), options()));
    let mut service = Service::default()
        .with("UploadPart 2", || refusal(CallKind::UploadPart, 403, "AccessDenied"));
    failing.upload.push(content(6 * MIB + 9));
    for answered in [0, 2, 1] {
        assert!(failing.start_all().is_none());
        let tag = failing.open[answered.min(failing.open.len() - 1)];
        failing.open.retain(|open| *open != tag);
        failing.answer(tag, &mut service);
    }
    assert_eq!(failing.open.len(), 1, "the first part is under way");
    assert_eq!(size(&failing.upload), (0, 0), "only the third was acknowledged");
}

#[test]
fn a_repeated_create_makes_commit_look_for_strays_of_this_key_only() {
    let list = |uploads: &[(&str, &str, &str)]| {
        let mut body = "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>".to_owned();
        for (key, id, initiated) in uploads {
            body.extend([
                "<Upload><Key>",
                key,
                "</Key><UploadId>",
                id,
                "</UploadId><Initiated>",
                initiated,
                "</Initiated></Upload>",
            ]);
        }
        body += "</ListMultipartUploadsResult>";
        reply(&[], body.as_bytes())
    };
    // The writer opens at 1000 and asks for its upload at 1500.
    let date = UnixTime::from_secs(1500).to_http_date();
    let before = UnixTime::from_secs(1499).to_iso8601();
    let after = UnixTime::from_secs(1500).to_iso8601();
    let mut service = Service::default()
        .with("InitiateMultipartUpload", move || repeated(created_at(ID, &date)))
        .with("ListMultipartUploads", move || {
            list(&[
                ("a/data", ID, &after),
                ("a/data", "stray", &after),
                ("a/data", "others", &before),
                ("a/data2", "other", &after),
            ])
        });
    let mut scenario = Scenario::driver(Append::No);
    scenario.run(&mut service);
    scenario.upload.push(content(3 * MIB));
    scenario.run(&mut service);
    scenario.take_log();
    let outcome = scenario.committed(&mut service).expect("committed");
    assert!(outcome.stray_possible);
    let strays = ["ListMultipartUploads", "AbortMultipartUpload"];
    assert_eq!(scenario.log[scenario.log.len() - 2..], strays);
}

#[test]
fn a_create_that_failed_leaves_strays_from_when_it_was_asked_for() {
    for (initiated, aborted) in [(1499, 0), (1500, 1)] {
        let initiated = UnixTime::from_secs(initiated).to_iso8601();
        let list = format!(
            "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated><Upload><Key>a/data</Key>\
             <UploadId>one</UploadId><Initiated>{initiated}</Initiated></Upload>\
             </ListMultipartUploadsResult>"
        );
        let mut service = Service::default()
            .with("InitiateMultipartUpload", || {
                asked_at(lost(CallKind::InitiateMultipartUpload), 1500)
            })
            .with("ListMultipartUploads", move || reply(&[], list.as_bytes()));
        let mut scenario = Scenario::driver(Append::No);
        scenario.run(&mut service);
        scenario.upload.push(content(3 * MIB));
        assert!(scenario.start_all().is_none());
        // Cancelled while the Create is under way.
        scenario.cancelled(&mut service).expect("cancelled");
        let aborts = scenario.log.iter().filter(|call| *call == "AbortMultipartUpload").count();
        assert_eq!(aborts, aborted, "{:?}", scenario.log);
    }
}

#[test]
fn after_an_end_every_call_is_misuse_except_one_close_after_commit_or_cancel() {
    type End = fn(&mut Upload) -> Result<(), Error>;
    let ends: [(&str, End); 3] =
        [("close", Upload::close), ("commit", Upload::commit), ("cancel", Upload::cancel)];
    for (first, end) in ends {
        let mut service = Service::default();
        let mut scenario = Scenario::driver(Append::No);
        scenario.run(&mut service);
        end(&mut scenario.upload).expect("open");
        scenario.run(&mut service).expect("an end").expect("fine");
        let upload = &mut scenario.upload;
        assert!(upload.check_writable().is_err());
        assert_eq!(upload.push_slice(b"x"), 0);
        assert!(upload.commit().is_err() && upload.cancel().is_err(), "{first}");
        assert_eq!(upload.close().is_ok(), first != "close", "{first}");
        assert_eq!(upload.close().expect_err("once").kind(), &ErrorKind::Misuse);
        assert_eq!(upload.commit().expect_err("misuse").kind(), &ErrorKind::Misuse);
    }
}

#[test]
fn a_part_with_another_crc_is_refused_for_a_resend() {
    let mut service = Service::default();
    let mut scenario = Scenario::driver(Append::No);
    scenario.run(&mut service);
    scenario.upload.push(content(3 * MIB));
    scenario.start_all();
    for _ in 0..2 {
        let tag = scenario.open.remove(0);
        scenario.answer(tag, &mut service);
        scenario.start_all();
    }
    let Answer::Reply(response, _) =
        reply(&[("etag", "\"e\""), ("x-cos-hash-crc64ecma", "12345")], b"")
    else {
        panic!("a reply");
    };
    let refused =
        scenario.upload.on_reply(Tag::Part(PartNumber::FIRST), Reply::new(*response, false));
    assert!(matches!(refused, Err(Rejected::Retry(crate::Reason::Corrupt { .. }))));
}
