//! Signing by reqsign, bare and as OpenDAL calls it.

use std::error::Error;

use http::{
    HeaderMap, Method, Request,
    header::{AUTHORIZATION, DATE, HOST, RANGE},
    request::Parts,
};
use reqsign_core::{Context, OsEnv, SignRequest as _, Signer};
use reqsign_tencent_cos::{Credential, RequestSigner, StaticCredentialProvider};

use super::ready;
use crate::{
    UnixTime,
    core::{
        measure::{Checked, Race, ensure},
        sample::{HOST as NAME, KEY, SECRET_ID, SECRET_KEY},
        signing,
    },
    sign::KeyTime,
};

pub(in crate::core) fn sign(race: &mut Race<'_>) -> Result<(), Box<dyn Error>> {
    let credential = Credential {
        secret_id: SECRET_ID.to_owned(),
        secret_key: SECRET_KEY.to_owned(),
        ..Credential::default()
    };
    let (signer, context, mut parts) = (RequestSigner::new(), Context::new(), parts()?);
    ready(signer.sign_request(&context, &mut parts, Some(&credential), None))??;
    check(&parts.headers)?;
    race.add("reqsign", move || {
        unsign(&mut parts);
        ready(signer.sign_request(&context, &mut parts, Some(&credential), None))??;
        signed(&parts)
    });

    let provider = StaticCredentialProvider::new(SECRET_ID, SECRET_KEY);
    let signer = Signer::new(Context::new(), provider, RequestSigner::new());
    let mut parts = self::parts()?;
    race.add("OpenDAL", move || {
        unsign(&mut parts);
        // It makes a signer of the operation's context for every request.
        let signer = signer.clone().with_context(Context::new().with_env(OsEnv));
        ready(signer.sign(&mut parts, None))??;
        signed(&parts)
    });
    Ok(())
}

/// The request that we sign, too.
fn parts() -> Result<Parts, http::Error> {
    let request = Request::builder()
        .method(Method::GET)
        .uri(format!("https://{NAME}/{KEY}"))
        .header(HOST, NAME)
        .header(RANGE, signing::RANGE)
        .body(())?;
    Ok(request.into_parts().0)
}

/// What signing adds, so that the same request can be signed again.
fn unsign(parts: &mut Parts) {
    parts.headers.remove(AUTHORIZATION);
    parts.headers.remove(DATE);
}

fn signed(parts: &Parts) -> Checked {
    ensure(parts.headers.contains_key(AUTHORIZATION), "it is not signed")
}

/// Checks a peer's signature by signing for the same time.
fn check(headers: &HeaderMap) -> Checked {
    let theirs = headers.get(AUTHORIZATION).ok_or("it is not signed")?.to_str()?;
    let field = |name: &str| theirs.split('&').find_map(|field| field.strip_prefix(name));
    let time = field("q-key-time=").ok_or("no key time")?;
    let (start, end) = time.split_once(';').ok_or("half a key time")?;
    let (start, end) = (UnixTime::from_secs(start.parse()?), UnixTime::from_secs(end.parse()?));
    let mut signer = signing::Signer::at(KeyTime { start, end });
    ensure(signer.sign() == theirs, "another signature than ours")
}
