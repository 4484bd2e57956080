//! DELETE Multiple Objects (436/8289).

use http::{HeaderValue, Method, header};

use super::{header_value::header_value, names};
use crate::{
    Call, CallKind, Key, KeyFailure, Rejected, Reply,
    call::ErrorIn200,
    encode::content_md5,
    xml::{self, Document, missing},
};

/// How many keys one call deletes at most.
pub(crate) const KEYS_MAX: usize = 1000;

/// Whether the call's XML can carry the key; one that it cannot is deleted by DELETE Object.
pub(crate) fn can_carry(key: &Key) -> bool {
    xml::is_text(key.as_str())
}

/// Deletes at most [`KEYS_MAX`] keys that it [`can_carry`]; answers failures only.
pub(crate) fn call(keys: &[Key]) -> Call {
    let mut body = String::with_capacity(64_usize.saturating_add(keys.len().saturating_mul(128)));
    body.push_str("<Delete><Quiet>true</Quiet>");
    for key in keys {
        body.push_str("<Object>");
        xml::push_element(&mut body, "Key", key.as_str());
        body.push_str("</Object>");
    }
    body.push_str("</Delete>");
    let mut call = Call::new(CallKind::DeleteMultipleObjects, Method::POST, None)
        .query("delete", "")
        .header(names::CONTENT_MD5, header_value(&content_md5(body.as_bytes())))
        .header(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"))
        .body(body.into());
    call.error_in_200 = ErrorIn200::Possible;
    call
}

/// The keys that could not be deleted.
pub(crate) fn decode(reply: &Reply) -> Result<Vec<KeyFailure>, Rejected> {
    let mut document = Document::open(reply.body(), "DeleteResult")?;
    let mut failures = Vec::new();
    while let Some(name) = document.child()? {
        match name {
            "Error" => {
                document.count_entry()?;
                failures.push(failure(&mut document)?);
            }
            _ => document.skip()?,
        }
    }
    Ok(failures)
}

fn failure(document: &mut Document<'_>) -> Result<KeyFailure, Rejected> {
    let (mut key, mut code, mut message) = (None, String::new(), String::new());
    while let Some(name) = document.child()? {
        match name {
            "Key" => key = Some(document.text(str::to_owned)?),
            "Code" => code = document.text(str::to_owned)?,
            "Message" => message = document.text(str::to_owned)?,
            _ => document.skip()?,
        }
    }
    let key = key.ok_or_else(|| missing("Error/Key"))?;
    Ok(KeyFailure::new(key, code, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Reason,
        api::testing::{assert_wire, key, reply, sample},
    };

    #[test]
    fn sends_raw_keys_escaped_for_xml_with_their_digest() {
        let call = call(&[key("a&b.txt"), key("照片/1.jpg")]);
        let body = sample("request_delete.xml").replace(['\n', '\t'], "");
        assert_wire(
            call,
            &[
                "POST /?delete",
                &format!("content-length: {}", body.len()),
                "content-md5: TFiH3Zp0RqfII4G2vFlxKw==",
                "content-type: application/xml",
                &body,
            ],
        );
    }

    #[test]
    fn knows_which_keys_xml_cannot_carry() {
        assert!(can_carry(&key("a\tb\r\n照片<&>")));
        assert!(!can_carry(&key("ctl\u{1}name")));
    }

    #[test]
    fn a_quiet_answer_names_failures_only() {
        for name in ["delete_result_quiet_ok.xml", "delete_result_verbose.xml"] {
            assert_eq!(decode(&reply(200, &[], &sample(name))).expect(name), []);
        }
        let failures = decode(&reply(200, &[], &sample("delete_result_partial_errors.xml")));
        let failure = |key: &str, code: &str, message: &str| {
            KeyFailure::new(key.to_owned(), code.to_owned(), message.to_owned())
        };
        assert_eq!(
            failures.expect("failures"),
            [
                failure("bad-1", "AccessDenied", "Access Denied."),
                failure("bad-2", "PathConflict", "Path conflict."),
                failure(
                    "bad-3",
                    "InternalError",
                    "We encountered an internal error. Please try again."
                ),
            ]
        );
    }

    #[test]
    fn an_answer_that_hides_what_failed_does_not_count() {
        for body in [
            "",
            "<DeleteResult>",
            "<DeleteResult><Error><Code>AccessDenied</Code></Error></DeleteResult>",
            "<html/>",
        ] {
            let refused = decode(&reply(200, &[], body));
            assert!(matches!(refused, Err(Rejected::Retry(Reason::Malformed(_)))), "{body}");
        }
    }
}
