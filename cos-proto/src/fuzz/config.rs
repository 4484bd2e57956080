//! The driver's parameters: refusals name them and never show a secret.

use super::choice::Choice;
use crate::{
    CvmMetadata, ErrorKind,
    config::{Config, Value},
};

/// Part of every secret, and of no parameter's name or rule.
const MARK: &str = "Qz7Secret7zQ";

pub(super) fn config(data: &[u8]) {
    let mut choice = Choice::of(data);
    match choice.byte() % 4 {
        0 => variables(&mut choice),
        1 => metadata(&mut choice),
        _ => parameters(&mut choice),
    }
}

const SECRETS: [&str; 2] = ["secretkey", "sessiontoken"];
const NAMES: &[&str] = &[
    "secretid",
    "secretkey",
    "sessiontoken",
    "credentials",
    "region",
    "bucket",
    "rootdirectory",
    "chunksize",
    "maxconcurrency",
    "secure",
    "endpoint",
    "redirectendpoint",
    "storageclass",
    "encrypt",
    "keyid",
    "multipartcopythresholdsize",
    "multipartcopychunksize",
    "multipartcopymaxconcurrency",
    "useragent",
    "rootca",
    "connecttimeout",
    "idletimeout",
    "calldeadline",
    "Region",
    "rootdir",
];
const TEXTS: &[&str] = &[
    "",
    "static",
    "environment",
    "cvmrole",
    "ap-x",
    "b-1",
    "/a//b/",
    "16777216",
    "0x1000000",
    "16_777_216",
    "-1",
    "T",
    "false",
    "http://127.0.0.1:9000",
    "https://h.example.com",
    "h.example.com:8080",
    "MAZ_STANDARD_IA",
    "standard",
    "1m30s",
    "1.5h",
    "500ms",
    "99999999999999999999",
];

fn value(choice: &mut Choice<'_>, name: &str) -> Value {
    if SECRETS.contains(&name) {
        let text = choice.text(20);
        return Value::String(format!("{MARK}{text}"));
    }
    match choice.byte() % 6 {
        0 => Value::Integer(choice.signed()),
        1 => Value::Boolean(choice.flag()),
        // Credentials in a URL, wherever they stand.
        2 if name.ends_with("endpoint") => {
            let (user, long) = (choice.text(20), "x".repeat(choice.below(256)));
            let host = choice.text_or(TEXTS, 20);
            let user: String = user.chars().filter(|c| !"@/".contains(*c)).collect();
            Value::String(format!(
                "http://{user}:{MARK}{long}@{}",
                host.trim_start_matches("http://")
            ))
        }
        _ => Value::String(plain(choice, TEXTS)),
    }
}

/// A text that is no secret, whatever the fuzzer has learned.
fn plain(choice: &mut Choice<'_>, known: &[&'static str]) -> String {
    choice.text_or(known, 60).replace(MARK, "")
}

fn parameters(choice: &mut Choice<'_>) {
    let mut given: Vec<(String, Value)> = Vec::new();
    if choice.flag() {
        for (name, text) in [("region", "ap-x"), ("bucket", "b-1")] {
            given.push((name.to_owned(), text.into()));
        }
        given.push(("secretid".to_owned(), "AKID".into()));
        given.push(("secretkey".to_owned(), format!("{MARK}key").into()));
    }
    for _ in 0..choice.below(8) {
        let name = plain(choice, NAMES);
        let value = value(choice, &name);
        given.push((name, value));
    }
    let names: Vec<String> = given.iter().map(|(name, _)| name.clone()).collect();
    judge(Config::from_parameters(given), &names);
}

fn variables(choice: &mut Choice<'_>) {
    let mut given = Vec::new();
    for _ in 0..choice.below(10) {
        let variable = if choice.flag() {
            format!("REGISTRY_STORAGE_COS_{}", plain(choice, NAMES).to_uppercase())
        } else {
            let known = ["SECRET_ID", "SECRET_KEY", "SESSION_TOKEN", "BUCKET", "REGION"];
            format!("COS_{}", plain(choice, &known))
        };
        let text = plain(choice, TEXTS);
        let secret = ["KEY", "TOKEN"].iter().any(|end| variable.ends_with(end));
        given.push((variable, if secret { format!("{MARK}{text}") } else { text }));
    }
    judge(Config::from_environment_pairs(given), &[]);
}

/// The answers of a metadata service, which is not asked by name alone.
fn metadata(choice: &mut Choice<'_>) {
    if let Ok(role) = CvmMetadata::first_role(choice.bytes(60)) {
        assert!(!role.is_empty() && !role.contains('\n'));
    }
    let code = plain(choice, &["Success", "Failed"]);
    let (id, key) = (plain(choice, &[]), format!("{MARK}{}", choice.text(20)));
    let expiration = plain(choice, &["2026-11-20T00:00:00Z"]);
    let seconds = choice.flag().then(|| choice.signed());
    let text = |name: &str| match name {
        "Code" => Some(&*code),
        "TmpSecretId" => Some(&*id),
        "TmpSecretKey" | "Token" => Some(&*key),
        "Expiration" => Some(&*expiration),
        _ => None,
    };
    let shown = format!("{:?}", CvmMetadata::credentials(text, |_| seconds));
    assert!(!shown.contains(MARK), "a secret in {shown}");
}

fn judge(config: Result<Config, crate::Error>, names: &[String]) {
    match config {
        Ok(config) => {
            let shown = format!("{config:?}");
            assert!(!shown.contains(MARK), "a secret in {shown}");
            assert!((5 << 20..=100 << 20).contains(&config.chunk_size()));
            let _ = config.session();
        }
        Err(error) => {
            let text = format!("{error} {error:?}");
            assert_eq!(*error.kind(), ErrorKind::InvalidParameter);
            assert!(!text.contains(MARK), "a secret in {text}");
            assert!(error.to_string().len() < 4000, "{} bytes", error.to_string().len());
            let in_text = |name: &String| {
                let start: String = name.chars().take(80).collect();
                text.contains(name.as_str()) || text.contains(&format!("{start:?}"))
            };
            let missing = text.contains("missing required parameter");
            assert!(
                names.is_empty() || missing || names.iter().any(in_text),
                "{text} of {names:?}"
            );
        }
    }
}
