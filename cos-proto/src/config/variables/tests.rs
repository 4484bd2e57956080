use super::*;

const REQUIRED: [(&str, &str); 4] = [
    ("REGISTRY_STORAGE_COS_SECRETID", "id"),
    ("REGISTRY_STORAGE_COS_SECRETKEY", "'it''s-secret'"),
    ("REGISTRY_STORAGE_COS_REGION", "ap-guangzhou"),
    ("REGISTRY_STORAGE_COS_BUCKET", "\"a-1\""),
];

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn registry(name: &str, value: &str) -> Result<Config, Error> {
    let mut pairs = REQUIRED.to_vec();
    let name = format!("REGISTRY_STORAGE_COS_{name}");
    pairs.push((&name, value));
    Config::from_variables(owned(&pairs))
}

#[test]
fn values_are_yaml_scalars() {
    for (name, value, shown) in [
        ("SECURE", "no", "http"),
        ("SECURE", "Off", "http"),
        ("SECURE", "false # for the test", "http"),
        ("SECURE", "'false'", "http"),
        ("SECURE", "0", "http"),
        ("SECURE", "yes", "https"),
        ("SECURE", "null", "https"),
        ("SECURE", "", "https"),
        ("SECURE", "~", "https"),
        ("ENDPOINT", "http://h:1", "http"),
        ("ENDPOINT", "\"http://h\"", "http"),
        ("CHUNKSIZE", "0x1000000", "https"),
        ("CHUNKSIZE", "\"16777216\"", "https"),
        ("ROOTDIRECTORY", "#nothing", "https"),
    ] {
        let config =
            registry(name, value).unwrap_or_else(|error| panic!("{name}={value}: {error}"));
        assert_eq!(config.endpoint().scheme().as_str(), shown, "{name}={value}");
    }
    assert_eq!(registry("ROOTDIRECTORY", "no").expect("text").root_directory().prefix(), "no/");
    assert_eq!(
        registry("ROOTDIRECTORY", "\"a\\\\b\"").expect("text").root_directory().prefix(),
        "a\\b/"
    );
}

#[test]
fn what_is_no_scalar_is_refused() {
    for (name, value, rule) in [
        ("SECURE", "'yes'", "must be true or false"),
        ("BUCKET", "[a]", "YAML scalar"),
        ("USERAGENT", "a: b", "YAML scalar"),
        ("ROOTCA", "'a", "closing quote"),
        ("ROOTCA", "\"a\" b", "closing quote"),
        ("ROOTCA", "\"\\x41\"", "escape"),
        ("CHUNKSIZE", "1e7", "must be an integer"),
        ("ROOTDIR", "/x", "did you mean rootdirectory"),
        ("ROOT_DIRECTORY", "/x", "did you mean rootdirectory"),
    ] {
        let message = registry(name, value).expect_err(value).to_string();
        let name = name.to_ascii_lowercase();
        assert!(message.contains(&name) && message.contains(rule), "{message}");
    }
    let message = registry("SECRETKEY", "{hunter2}").expect_err("a map").to_string();
    assert!(message.contains("secretkey") && !message.contains("hunter2"), "{message}");
}

#[test]
fn other_variables_are_ignored() {
    let mut pairs = REQUIRED.to_vec();
    pairs.extend([("REGISTRY_STORAGE_S3_REGION", "x"), ("PATH", "y"), ("COS_BUCKET", "b-2")]);
    let config = Config::from_variables(owned(&pairs)).expect("valid");
    assert_eq!(config.bucket().as_str(), "a-1");
    pairs[1].1 = "it's spaced";
    let message = Config::from_variables(owned(&pairs)).expect_err("a space").to_string();
    assert!(message.contains("secretkey") && !message.contains("it's"), "{message}");
}

#[test]
fn test_variables_are_all_or_none() {
    let four = [
        ("COS_SECRET_ID", "id"),
        ("COS_SECRET_KEY", "key"),
        ("COS_BUCKET", "a-1"),
        ("COS_REGION", "r"),
    ];
    let read = |pairs: &[(&str, &str)]| Config::from_test_variables(owned(pairs));
    assert!(read(&[]).expect("none").is_none());
    assert!(read(&[("COS_SECURE", "false"), ("COS_BUCKET", "")]).expect("none").is_none());
    let message = read(&four[1..3]).expect_err("half").to_string();
    assert!(message.contains("not set: COS_SECRET_ID, COS_REGION"), "{message}");

    let mut pairs = four.to_vec();
    pairs.extend([
        ("COS_SECURE", "false"),
        ("COS_ENDPOINT", "127.0.0.1:9"),
        ("COS_SESSION_TOKEN", "token"),
        ("REGISTRY_STORAGE_COS_BUCKET", "b-2"),
    ]);
    let config = read(&pairs).expect("valid").expect("some");
    assert_eq!(config.endpoint().to_string(), "http://127.0.0.1:9");
    assert_eq!(config.bucket().as_str(), "a-1");
}

#[test]
fn the_registrys_variables_come_before_those_for_tests() {
    let tests = [
        ("COS_SECRET_ID", "AKIDx"),
        ("COS_SECRET_KEY", "key"),
        ("COS_BUCKET", "tests-1"),
        ("COS_REGION", "ap-x"),
        ("PATH", "/bin"),
    ];
    let bucket = |pairs: &[(&str, &str)]| {
        Config::from_environment_pairs(owned(pairs))
            .map(|config| config.bucket().to_string())
            .map_err(|error| error.to_string())
    };
    assert_eq!(bucket(&REQUIRED), Ok("a-1".to_owned()));
    assert_eq!(bucket(&tests), Ok("tests-1".to_owned()));
    assert_eq!(bucket(&[&tests[..], &REQUIRED].concat()), Ok("a-1".to_owned()));
    assert!(bucket(&tests[..2]).expect_err("half").contains("COS_BUCKET"));
    assert!(bucket(&[]).expect_err("nothing").contains("bucket"));
}
