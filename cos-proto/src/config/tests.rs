use std::collections::BTreeMap;

use super::*;
use crate::ErrorKind;

const REQUIRED: [(&str, &str); 4] = [
    ("secretid", "AKIDexample"),
    ("secretkey", "the-secret-key"),
    ("region", "ap-guangzhou"),
    ("bucket", "registry-1250000000"),
];

fn with(more: &[(&str, Value)]) -> Result<Config, Error> {
    Config::builder().parameters(REQUIRED).parameters(more.iter().cloned()).build()
}

fn one(name: &str, value: impl Into<Value>) -> Result<Config, Error> {
    with(&[(name, value.into())])
}

fn message(result: Result<Config, Error>) -> String {
    let error = result.expect_err("must be refused");
    assert_eq!(error.kind(), &ErrorKind::InvalidParameter);
    error.to_string()
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let config = with(&[]).expect("required parameters only");
    assert_eq!(config.chunk_size(), 16_777_216);
    assert_eq!(config.max_concurrency().get(), 10);
    assert_eq!(config.memory_budget(), 167_772_160);
    assert_eq!(
        config.endpoint().to_string(),
        "https://registry-1250000000.cos.ap-guangzhou.myqcloud.com"
    );
    assert!(config.is_secure());
    assert_eq!(config.root_directory().prefix(), "");
    assert_eq!(config.redirect_endpoint(), None);
    assert_eq!(config.storage_class(), None);
    assert_eq!(config.encryption(), &Encryption::None);
    assert_eq!(config.multipart_copy_threshold(), 1 << 30);
    assert_eq!(config.multipart_copy_part_size(), 128 << 20);
    assert_eq!(config.multipart_copy_concurrency().get(), 10);
    assert_eq!((config.user_agent(), config.root_ca()), (None, None));
    assert_eq!(config.connect_timeout(), Duration::from_secs(10));
    assert_eq!(config.idle_timeout(), Duration::from_secs(60));
    assert_eq!(config.call_deadline(), Duration::from_secs(300));
    let CredentialsSource::Static(credentials) = config.credentials_source() else {
        panic!("static")
    };
    assert_eq!(credentials.secret_id(), "AKIDexample");
    assert_eq!(credentials.secret_key().expose(), "the-secret-key");
    assert_eq!(credentials.token(), None);
}

/// A parameter, a value, and what the configuration then shows of it.
type Accepted = (&'static str, Value, fn(&Config) -> String, &'static str);

#[test]
fn every_parameter_reads_every_spelling() {
    let table: Vec<Accepted> = vec![
        ("bucket", "a-1".into(), |c| c.bucket().to_string(), "a-1"),
        ("region", "na-ashburn".into(), |c| c.region().to_string(), "na-ashburn"),
        (
            "rootdirectory",
            "//registry//v2/".into(),
            |c| c.root_directory().prefix().into(),
            "registry/v2/",
        ),
        ("rootdirectory", Value::Integer(7), |c| c.root_directory().prefix().into(), "7/"),
        ("chunksize", 5_242_880.into(), |c| c.chunk_size().to_string(), "5242880"),
        ("chunksize", "104857600".into(), |c| c.chunk_size().to_string(), "104857600"),
        ("chunksize", "0x1000000".into(), |c| c.chunk_size().to_string(), "16777216"),
        ("chunksize", "33_554_432".into(), |c| c.chunk_size().to_string(), "33554432"),
        ("maxconcurrency", 1.into(), |c| c.max_concurrency().to_string(), "1"),
        ("maxconcurrency", "64".into(), |c| c.max_concurrency().to_string(), "64"),
        ("secure", false.into(), |c| c.endpoint().scheme().to_string(), "http"),
        ("secure", "f".into(), |c| c.endpoint().scheme().to_string(), "http"),
        ("secure", "0".into(), |c| c.endpoint().scheme().to_string(), "http"),
        ("secure", 1.into(), |c| c.endpoint().scheme().to_string(), "https"),
        ("secure", "TRUE".into(), |c| c.endpoint().scheme().to_string(), "https"),
        (
            "endpoint",
            "http://127.0.0.1:9000".into(),
            |c| c.endpoint().to_string(),
            "http://127.0.0.1:9000",
        ),
        (
            "endpoint",
            "https://cos.internal:443/".into(),
            |c| c.endpoint().to_string(),
            "https://cos.internal",
        ),
        (
            "endpoint",
            "cos.internal:8443".into(),
            |c| c.endpoint().to_string(),
            "https://cos.internal:8443",
        ),
        ("redirectendpoint", "cdn.example.com".into(), redirect, "https://cdn.example.com"),
        (
            "redirectendpoint",
            "http://cdn.example.com:81".into(),
            redirect,
            "http://cdn.example.com:81",
        ),
        (
            "storageclass",
            "standard_ia".into(),
            |c| format!("{:?}", c.storage_class()),
            "Some(StorageClass(STANDARD_IA))",
        ),
        ("storageclass", "".into(), |c| format!("{:?}", c.storage_class()), "None"),
        ("encrypt", true.into(), |c| format!("{:?}", c.encryption()), "SseCos"),
        ("encrypt", "False".into(), |c| format!("{:?}", c.encryption()), "None"),
        ("multipartcopythresholdsize", 0.into(), |c| c.multipart_copy_threshold().to_string(), "0"),
        (
            "multipartcopythresholdsize",
            "5368709120".into(),
            |c| c.multipart_copy_threshold().to_string(),
            "5368709120",
        ),
        (
            "multipartcopychunksize",
            "0x2000000".into(),
            |c| c.multipart_copy_part_size().to_string(),
            "33554432",
        ),
        (
            "multipartcopymaxconcurrency",
            100.into(),
            |c| c.multipart_copy_concurrency().to_string(),
            "100",
        ),
        (
            "useragent",
            "harbor/2.1 (x)".into(),
            |c| c.user_agent().unwrap_or("").into(),
            "harbor/2.1 (x)",
        ),
        (
            "rootca",
            "/etc/ssl/ca.pem".into(),
            |c| c.root_ca().unwrap_or("").into(),
            "/etc/ssl/ca.pem",
        ),
        ("connecttimeout", 3.into(), |c| format!("{:?}", c.connect_timeout()), "3s"),
        ("connecttimeout", "500ms".into(), |c| format!("{:?}", c.connect_timeout()), "500ms"),
        ("idletimeout", "1m30s".into(), |c| format!("{:?}", c.idle_timeout()), "90s"),
        ("calldeadline", "600".into(), |c| format!("{:?}", c.call_deadline()), "600s"),
    ];
    for (name, value, shown, expected) in table {
        let text = value.text().into_owned();
        let config = one(name, value).unwrap_or_else(|error| panic!("{name} = {text}: {error}"));
        assert_eq!(shown(&config), expected, "{name} = {text}");
    }
}

fn redirect(config: &Config) -> String {
    config.redirect_endpoint().map(ToString::to_string).unwrap_or_default()
}

#[test]
fn refusals_name_the_parameter_the_value_and_the_rule() {
    let table: Vec<(&str, Value, &str)> = vec![
        ("bucket", "registry".into(), "name-appid"),
        ("bucket", 5.into(), "name-appid"),
        ("region", "ap guangzhou".into(), "lower-case letters"),
        ("rootdirectory", "a/../b".into(), "no component may be"),
        ("chunksize", 5_242_879.into(), "must be an integer of 5242880 to 104857600"),
        ("chunksize", 104_857_601.into(), "5242880 to 104857600"),
        ("chunksize", "5MiB".into(), "must be an integer"),
        ("chunksize", true.into(), "must be an integer"),
        ("chunksize", "".into(), "must be an integer"),
        ("chunksize", "1e7".into(), "must be an integer"),
        ("maxconcurrency", 0.into(), "must be an integer of 1 to"),
        ("maxconcurrency", (-3).into(), "must be an integer of 1 to"),
        ("maxconcurrency", "ten".into(), "must be an integer of 1 to"),
        ("secure", "yes".into(), "must be true or false"),
        ("secure", 2.into(), "must be true or false"),
        ("secure", "".into(), "must be true or false"),
        ("endpoint", "ftp://host".into(), "http://host"),
        ("endpoint", "http://host/path".into(), "without path"),
        ("endpoint", "http://host:0".into(), "port"),
        ("redirectendpoint", "https://host?x=1".into(), "without path and query"),
        ("storageclass", "REDUCED_REDUNDANCY".into(), "must be one of STANDARD"),
        ("encrypt", "maybe".into(), "must be true or false"),
        ("keyid", "abc".into(), "needs encrypt = true"),
        ("credentials", "vault".into(), "must be static, environment or cvmrole"),
        ("multipartcopythresholdsize", (-1).into(), "must be an integer of 0 to 5368709120"),
        ("multipartcopychunksize", 1.into(), "5242880 to 5368709120"),
        ("multipartcopymaxconcurrency", 0.into(), "must be an integer of 1 to"),
        ("useragent", "a\r\nX-Evil: 1".into(), "visible ASCII"),
        ("connecttimeout", 0.into(), "of 1ms to 86400s"),
        ("idletimeout", "1d".into(), "a duration such as 30s"),
        ("calldeadline", "500ms".into(), "of 1s to 86400s"),
        ("calldeadline", false.into(), "a duration such as 30s"),
    ];
    for (name, value, rule) in table {
        let text = value.text().into_owned();
        let message = message(one(name, value));
        assert!(message.contains(&format!("parameter {name} = {text:?}: ")), "{message}");
        assert!(message.contains(rule), "{message}");
    }
}

#[test]
fn secrets_are_refused_without_being_shown() {
    for (name, value) in
        [("secretkey", "se cret"), ("secretid", "se\ncret"), ("sessiontoken", "se\u{e9}cret")]
    {
        let message = message(one(name, value));
        assert!(message.contains(name) && message.contains("white space"), "{message}");
        assert!(!message.contains("cret\""), "{message}");
    }
    let endpoint = message(one("endpoint", "https://user:hunter2@host"));
    assert!(!endpoint.contains("hunter2"), "{endpoint}");
    let long = format!("https://user:{}hunter2@host", "x".repeat(300));
    let cut = message(one("endpoint", long.clone()));
    assert!(!cut.contains("xxx") && cut.contains("host"), "{cut}");
    let variable = ("REGISTRY_STORAGE_COS_ENDPOINT".to_owned(), format!("[{long}"));
    let listed = message(Config::from_variables([variable]));
    assert!(!listed.contains("xxx") && listed.contains("endpoint"), "{listed}");
    let unknown = message(one("secretkye", "hunter2"));
    assert!(unknown.contains("did you mean secretkey?") && !unknown.contains("hunter2"));
}

#[test]
fn nothing_that_debug_shows_is_a_secret() {
    let builder = Config::builder().parameters(REQUIRED).session_token("the-token");
    let config = builder.clone().build().expect("valid");
    let text = format!(
        "{builder:?} {config:?} {config:#?} {:?} {:?}",
        config.session(),
        Value::from("the-token")
    );
    assert!(!text.contains("the-secret-key") && !text.contains("the-token"), "{text}");
    assert!(text.contains("registry-1250000000"));
}

#[test]
fn all_missing_parameters_are_named_at_once() {
    let none: [(&str, &str); 0] = [];
    let all = message(Config::from_parameters(none));
    assert!(all.contains("secretid, secretkey, region, bucket"), "{all}");
    let two =
        message(Config::from_parameters([("region", "r"), ("secretkey", "k"), ("bucket", "")]));
    assert!(two.contains("missing required parameters: secretid, bucket"), "{two}");
    let other = message(Config::from_parameters([("credentials", "cvmrole")]));
    assert!(other.ends_with("missing required parameters: region, bucket"), "{other}");
}

#[test]
fn unknown_names_are_refused_all_at_once_with_the_right_spelling() {
    let text = message(with(&[("rootdir", "/x".into()), ("v4auth", true.into())]));
    assert!(text.contains("\"rootdir\" (did you mean rootdirectory?)"), "{text}");
    assert!(text.contains("\"v4auth\"") && text.contains("the parameters are secretid"), "{text}");
}

#[test]
fn credentials_come_from_one_place() {
    let place = [("region", "ap-guangzhou"), ("bucket", "a-1")];
    let source = |name: &str| {
        let config = Config::builder().parameters(place).parameter("credentials", name).build();
        config.map(|config| config.credentials_source().clone())
    };
    assert_eq!(source("environment").expect("valid"), CredentialsSource::Environment);
    assert_eq!(source("cvmrole").expect("valid"), CredentialsSource::CvmRole);
    let program = Config::builder().parameters(place).credentials_by_program().build();
    assert_eq!(program.expect("valid").credentials_source(), &CredentialsSource::Program);

    let both = message(with(&[("credentials", "cvmrole".into())]));
    assert!(both.contains("secretid") && both.contains("unless credentials = static"), "{both}");
    let temporary = one("sessiontoken", "t").expect("valid");
    let CredentialsSource::Static(credentials) = temporary.credentials_source() else {
        panic!("static")
    };
    assert_eq!(credentials.token().map(crate::Secret::expose), Some("t"));
}

#[test]
fn a_scheme_that_contradicts_secure_is_refused() {
    let endpoint =
        |text: &str, secure: bool| with(&[("endpoint", text.into()), ("secure", secure.into())]);
    for (text, secure, shown) in [
        ("http://h", false, "http://h"),
        ("https://h", true, "https://h"),
        ("h:81", false, "http://h:81"),
        ("h", true, "https://h"),
    ] {
        assert_eq!(endpoint(text, secure).expect(text).endpoint().to_string(), shown);
    }
    for (text, secure) in [("http://h", true), ("https://h", false)] {
        let message = message(endpoint(text, secure));
        assert!(message.contains("secure") && message.contains(text), "{message}");
    }
}

#[test]
fn encryption_with_a_key_id_is_by_the_key_management_service() {
    let config = with(&[("encrypt", true.into()), ("keyid", "k-1".into())]).expect("valid");
    let Encryption::SseKms(kms) = config.encryption() else { panic!("{:?}", config.encryption()) };
    assert_eq!(kms, &crate::api::SseKms::new().key_id("k-1").expect("id"));
    assert_eq!(
        &config.object_options(),
        &ObjectOptions::new().encryption(config.encryption().clone())
    );
}

#[test]
fn the_session_carries_what_the_parameters_say() {
    let config = with(&[("endpoint", "http://127.0.0.1:1".into())]).expect("valid");
    let session = config.session();
    assert_eq!(session.endpoint(), config.endpoint());
    assert_eq!((session.bucket(), session.region()), (config.bucket(), config.region()));
}

#[test]
fn any_source_of_parameters_will_do() {
    let map: BTreeMap<String, Value> =
        REQUIRED.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect();
    assert!(Config::from_parameters(map).is_ok());
    let built = Config::builder()
        .secret("id", "key")
        .bucket("a-1")
        .region("r")
        .endpoint("localhost:9000")
        .secure(false)
        .root_directory("/root")
        .chunk_size(8 << 20)
        .max_concurrency(3)
        .build()
        .expect("valid");
    assert_eq!(built.endpoint().to_string(), "http://localhost:9000");
    assert_eq!((built.chunk_size(), built.max_concurrency().get()), (8 << 20, 3));
}
