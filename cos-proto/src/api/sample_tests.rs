//! Every sample against every decoder: whole, cut and damaged.

use bytes::Bytes;
use http::{Response, StatusCode};

use super::testing::{sample, samples};
use crate::{Rejected, Reply, api};

type Decoder = fn(&Reply) -> Result<(), Rejected>;

/// The decoders of XML, and the samples that each accepts.
const DECODERS: &[(&str, Decoder, &[&str])] = &[
    (
        "copy",
        |reply| api::copy_object::decode(reply).map(drop),
        &["copy_ok.xml", "copy_ok_versioned_multipart_source_no_crc.xml"],
    ),
    (
        "delete",
        |reply| api::delete_objects::decode(reply).map(drop),
        &[
            "delete_result_partial_errors.xml",
            "delete_result_quiet_ok.xml",
            "delete_result_verbose.xml",
        ],
    ),
    (
        "list",
        |reply| api::list_objects::decode(reply).map(drop),
        &[
            "list_empty.xml",
            "list_encoded_keys.xml",
            "list_page1_delimiter_nextmarker_is_prefix.xml",
            "list_page1_flat_truncated.xml",
            "list_page2_after_prefix_marker.xml",
            "list_prefix_delimiter.xml",
            "list_simple.xml",
            "list_unencoded_entities.xml",
        ],
    ),
    (
        "initiate",
        |reply| api::multipart::initiate::decode(reply).map(drop),
        &["initiate_multipart.xml"],
    ),
    (
        "part copy",
        |reply| api::multipart::upload_part_copy::decode(reply).map(drop),
        &["copy_part_ok.xml"],
    ),
    (
        "complete",
        |reply| api::multipart::complete::decode(reply).map(drop),
        &["complete_ok.xml", "complete_ok_leading_whitespace_keepalive.xml"],
    ),
    (
        "parts",
        |reply| api::multipart::list_parts::decode(reply).map(drop),
        &["list_parts.xml", "list_parts_empty.xml", "list_parts_page1.xml"],
    ),
    (
        "uploads",
        |reply| api::multipart::list_uploads::decode(reply).map(drop),
        &[
            "list_multipart_uploads.xml",
            "list_multipart_uploads_common_prefixes.xml",
            "list_multipart_uploads_page_encoded.xml",
        ],
    ),
];

/// Samples that are no result of any call: errors, requests, and results of calls we do not make.
fn is_other(name: &str) -> bool {
    const OTHERS: [&str; 6] = [
        "complete_200_empty_result.xml",
        "complete_200_with_error.xml",
        "copy_200_with_error.xml",
        "gateway_502_not_xml.html",
        "list_versions.xml",
        "tagging.xml",
    ];
    name.starts_with("error_") || name.starts_with("request_") || OTHERS.contains(&name)
}

fn reply(body: &[u8]) -> Reply {
    Reply::new(Response::new(Bytes::copy_from_slice(body)), false)
}

#[test]
fn each_sample_is_accepted_by_its_own_decoder_and_by_no_other() {
    let names = samples();
    assert_eq!(names.len(), 56);
    for name in &names {
        let body = sample(name);
        let mut accepted = 0;
        for (decoder, decode, own) in DECODERS {
            let result = decode(&reply(body.as_bytes()));
            assert_eq!(result.is_ok(), own.contains(&&**name), "{decoder} of {name}: {result:?}");
            accepted += usize::from(result.is_ok());
        }
        assert_eq!(accepted, usize::from(!is_other(name)), "{name}");
    }
}

#[test]
fn a_sample_that_is_cut_anywhere_is_never_a_result() {
    for (decoder, decode, own) in DECODERS {
        for name in *own {
            let body = sample(name);
            let body = body.trim_end().as_bytes();
            for end in 0..body.len() {
                let result = decode(&reply(&body[..end]));
                assert!(
                    matches!(result, Err(Rejected::Retry(_))),
                    "{decoder} of {name} cut at {end}: {result:?}"
                );
            }
        }
    }
}

#[test]
fn damaged_samples_do_no_harm() {
    let replacements = [b'<', b'>', b'&', b';', b'/', b'"', b' ', b'%', 0, 0x80, 0xFF];
    let (mut accepted, mut refused) = (0_u32, 0_u32);
    // All error samples are built alike.
    let errors = ["error_403_SignatureDoesNotMatch.xml", "error_empty_trace_and_resource.xml"];
    for name in samples().iter().filter(|name| !is_other(name) || errors.contains(&&***name)) {
        let body = sample(name);
        let decoders: Vec<_> = DECODERS.iter().filter(|(.., own)| own.contains(&&**name)).collect();
        for at in 0..body.len() {
            for replacement in replacements {
                let mut damaged = body.clone().into_bytes();
                damaged[at] = replacement;
                for (_, decode, _) in &decoders {
                    match decode(&reply(&damaged)) {
                        Ok(()) => accepted += 1,
                        Err(_) => refused += 1,
                    }
                }
                let mut response = Response::new(Bytes::from(damaged));
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                assert!(api::service_error(&response, false).is_some());
            }
        }
    }
    // Damage in text passes, damage in markup does not.
    assert!(accepted > 1000 && refused > 1000, "{accepted} {refused}");
}
