//! `redirect_url`.

use std::time::Duration;

use http::Method;

use super::{CHECKLIST, Case, PROMISED, TESTSUITES, UNCOVERED, case};
use crate::conformance::{
    Outcome, Stop, Trial,
    case::{ensure, equal, same_bytes},
};

pub(super) const CASES: &[Case] = &[
    case("RedirectURL", TESTSUITES, redirect_url),
    case("RedirectURLOtherMethods", TESTSUITES, other_methods),
    case("RedirectURLBindsTheMethod", CHECKLIST, binds_the_method),
    case("RedirectURLOfZeroBytes", UNCOVERED, zero_bytes),
    case("RedirectURLOddPaths", PROMISED, odd_paths),
    case("RedirectURLExpires", PROMISED, expires),
    case("RedirectURLEndpoint", PROMISED, endpoint),
];

fn url(trial: &Trial<'_>, method: &Method, path: &str) -> Result<String, Stop> {
    let url = trial.subject.redirect_url(method, path, None)?;
    url.ok_or_else(|| Stop::failed(format!("no URL for {method}")))
}

fn redirect_url(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(32);
    trial.subject.put_content(&path, content.clone())?;
    let got = trial.subject.fetch(&Method::GET, &url(trial, &Method::GET, &path)?)?;
    equal(got.status, 200, "GET")?;
    same_bytes(&got.body, &content, "GET")?;
    let head = trial.subject.fetch(&Method::HEAD, &url(trial, &Method::HEAD, &path)?)?;
    equal(head.status, 200, "HEAD")?;
    equal(head.headers.get("content-length").map(String::as_str), Some("32"), "HEAD's length")
}

fn other_methods(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    for method in [Method::PUT, Method::POST, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let url = trial.subject.redirect_url(&method, &path, None)?;
        ensure(url.is_none(), format!("a URL for {method}"))?;
    }
    Ok(())
}

fn binds_the_method(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    trial.subject.put_content(&path, trial.content(32))?;
    let get = url(trial, &Method::GET, &path)?;
    equal(trial.subject.fetch(&Method::PUT, &get)?.status, 403, "PUT by the URL of a GET")?;
    equal(trial.subject.fetch(&Method::DELETE, &get)?.status, 403, "DELETE by that URL")?;
    let changed = get.replacen(&path[1..], &format!("{}x", &path[1..]), 1);
    ensure(changed != get, "the path is not in the URL")?;
    equal(trial.subject.fetch(&Method::GET, &changed)?.status, 403, "GET of another path")?;
    trial.subject.stat(&path)?;
    Ok(())
}

fn zero_bytes(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    trial.write(&path, b"")?;
    let got = trial.subject.fetch(&Method::GET, &url(trial, &Method::GET, &path)?)?;
    equal((got.status, got.body.len()), (200, 0), "GET")?;
    let head = trial.subject.fetch(&Method::HEAD, &url(trial, &Method::HEAD, &path)?)?;
    equal(head.headers.get("content-length").map(String::as_str), Some("0"), "HEAD's length")
}

/// Every character of the grammar survives a URL.
fn odd_paths(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    for rest in ["/A.b_c-D", "/.hidden/_x", "/a--b/c..d", "/1.2.3"] {
        let path = format!("{top}{rest}");
        let content = trial.content(20);
        trial.subject.put_content(&path, content.clone())?;
        let got = trial.subject.fetch(&Method::GET, &url(trial, &Method::GET, &path)?)?;
        equal(got.status, 200, &path)?;
        same_bytes(&got.body, &content, &path)?;
    }
    Ok(())
}

fn expires(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    trial.subject.put_content(&path, trial.content(32))?;
    let seconds = Duration::from_secs;
    let short = trial.subject.redirect_url(&Method::GET, &path, Some(seconds(60)))?;
    let short = short.ok_or_else(|| Stop::failed("no URL"))?;
    let usual = url(trial, &Method::GET, &path)?;
    for text in [&short, &usual] {
        equal(trial.subject.fetch(&Method::GET, text)?.status, 200, "at once")?;
    }
    // Only where time can be moved: nobody waits 20 minutes on a real bucket.
    trial.emulator(|_| ())?;
    trial.subject.advance(seconds(120));
    equal(trial.subject.fetch(&Method::GET, &short)?.status, 403, "a minute after its end")?;
    equal(trial.subject.fetch(&Method::GET, &usual)?.status, 200, "before its end")?;
    trial.subject.advance(seconds(20 * 60));
    equal(trial.subject.fetch(&Method::GET, &usual)?.status, 403, "after 22 minutes")
}

fn endpoint(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let driver = trial.subject.open(&[("redirectendpoint", "https://cdn.example.com".into())])?;
    driver.put_content(&path, trial.content(5))?;
    let url = driver.redirect_url(&Method::GET, &path, None)?.unwrap_or_default();
    ensure(
        url.starts_with(&format!("https://cdn.example.com/{}", trial.key(&path))),
        "the URL does not name the host of redirectendpoint",
    )
}
