//! The secrets, the service that knows them, and what goes wrong with it.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use cos_proto::{
    Bucket, CallKind, Credentials, CredentialsFailed, Key, Region, Session, UnixTime,
    api::{Encryption, ObjectOptions, SseC, SseKms},
    config::{self, Config},
    emulator::{Effect, Fault, Settings},
};
use cos_tokio::emulator::{Listen, Server};

use crate::{secrets::Secrets, shown::Shown, tap::Tap};

pub const SECRET_KEY: &str = "Kq7/9+zXw=Secret~Key.0123456789a";
pub const TOKEN: &str = "Tok/en+1==~the.first~abcdefghijkl";
pub const SECOND_KEY: &str = "Ny5/8+aBc=Second~Key.9876543210z";
pub const SECOND_TOKEN: &str = "Tok/en+2==~the.second~mnopqrstuvw";
pub const WRONG_KEY: &str = "Wr0/ng+Key=Nobody~Accepts.it0000";
pub const PROXY_PASSWORD: &str = "Proxy.Pass.Word~42";
pub const SSE_C_KEY: [u8; 32] = *b"\x00\xff\x07sse-c\"key\\\n\xc8of\x80thirtytwo\xfebyte";
const SOURCE_KEY: [u8; 32] = *b"\x01\xfe\x09other'key/\r\xd9of+thirtytwo\xfdbyte";

/// The service behind a tap.
pub struct Scene {
    pub server: Server,
    pub tap: Tap,
    /// Every record that the server logs.
    pub records: Arc<Mutex<Shown>>,
}

impl Scene {
    pub fn start() -> Self {
        let settings = Settings { credentials: vec![first(), permanent()], ..Settings::default() };
        let records = Arc::new(Mutex::new(Shown::default()));
        let kept = Arc::clone(&records);
        let listen = Listen::default().record(move |record| {
            let mut shown = kept.lock().expect("not poisoned");
            shown.debug(record);
            shown.0.push_str(&record.to_string());
        });
        kept_debug(&records, &settings, &listen);
        let server = Server::start_blocking(settings, listen).expect("a server");
        let tap = Tap::before(server.addr());
        Self { server, tap, records }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.tap.address)
    }

    pub fn session(&self) -> Session {
        let settings = Settings::default();
        Session::new(
            Bucket::new(&settings.buckets[0]).expect("a bucket"),
            Region::new(&settings.region).expect("a region"),
            self.endpoint().parse().expect("an endpoint"),
        )
    }

    pub fn config(&self) -> config::Builder {
        let settings = Settings::default();
        Config::builder()
            .secret(permanent().secret_id(), SECRET_KEY)
            .bucket(&*settings.buckets[0])
            .region(&*settings.region)
            .endpoint(self.endpoint())
            .chunk_size(5 << 20)
    }

    /// The next call of this kind meets this.
    pub fn fault(&self, call: CallKind, effect: Effect) {
        self.server.with(|emulator| emulator.inject(Fault::on(call, effect).times(1)));
    }

    /// From now on the first token has expired and the second is accepted.
    pub fn expire(&self) {
        let expired = first().expiring(UnixTime::from_secs(1));
        self.server.with(|emulator| emulator.set_credentials(vec![expired, second(), permanent()]));
    }
}

fn kept_debug(records: &Mutex<Shown>, settings: &Settings, listen: &Listen) {
    let mut shown = records.lock().expect("not poisoned");
    shown.debug(settings);
    shown.debug(listen);
}

pub fn permanent() -> Credentials {
    Credentials::new("AKIDpermanent", SECRET_KEY)
}

pub fn first() -> Credentials {
    Credentials::new("AKIDfirst", SECRET_KEY).with_token(TOKEN)
}

pub fn second() -> Credentials {
    Credentials::new("AKIDsecond", SECOND_KEY).with_token(SECOND_TOKEN)
}

/// Gives the first credentials, then the second, then none.
#[derive(Debug, Default)]
pub struct Rotating(AtomicUsize);

impl Rotating {
    fn next(&self) -> Result<Credentials, CredentialsFailed> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            0 => Ok(first()),
            1 => Ok(second()),
            _ => Err(CredentialsFailed::new("there are no more")),
        }
    }
}

impl cos_tokio::CredentialsProvider for Rotating {
    fn credentials(&self) -> cos_tokio::ProvidedCredentials<'_> {
        Box::pin(std::future::ready(self.next()))
    }
}

impl cos_blocking::CredentialsProvider for Rotating {
    fn credentials(&self) -> Result<Credentials, CredentialsFailed> {
        self.next()
    }
}

pub fn key(name: &str) -> Key {
    Key::new(name).expect("a key")
}

pub fn sse_c() -> SseC {
    SseC::new(SSE_C_KEY)
}

pub fn other_sse_c() -> SseC {
    SseC::new(SOURCE_KEY)
}

pub fn under(key: SseC) -> ObjectOptions {
    ObjectOptions::new().encryption(Encryption::SseC(key))
}

pub fn under_kms() -> ObjectOptions {
    let kms = SseKms::new().key_id("a-key").and_then(|kms| kms.context("{\"project\":\"a\"}"));
    ObjectOptions::new().encryption(Encryption::SseKms(kms.expect("a context")))
}

/// All that must not be shown: what the program has, and what was made of it for the wire.
pub fn secrets(sent: &str) -> Secrets {
    let mut secrets = Secrets::default();
    for (name, secret) in [
        ("the secret key", SECRET_KEY),
        ("the second secret key", SECOND_KEY),
        ("the wrong secret key", WRONG_KEY),
        ("the token", TOKEN),
        ("the second token", SECOND_TOKEN),
        ("the proxy's password", PROXY_PASSWORD),
    ] {
        secrets.add(name, secret);
    }
    secrets.add("the SSE-C key", SSE_C_KEY);
    secrets.add("the source's SSE-C key", SOURCE_KEY);
    for authorization in authorizations(sent) {
        secrets.add_whole("an Authorization", authorization);
        secrets.add("a signature", field(authorization, "q-signature="));
        for key in [SECRET_KEY, SECOND_KEY, WRONG_KEY] {
            secrets.add("a sign key", sign_key(key, field(authorization, "q-key-time=")));
        }
    }
    secrets
}

/// The values of the header `Authorization` in requests.
pub fn authorizations(sent: &str) -> impl Iterator<Item = &str> {
    sent.split("\r\n").filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("authorization").then_some(value)
    })
}

pub fn field<'a>(authorization: &'a str, name: &str) -> &'a str {
    let (_, rest) = authorization.split_once(name).expect("a field of the signature");
    rest.split('&').next().unwrap_or_default()
}

/// With it anybody can sign until its time is over.
fn sign_key(secret: &str, key_time: &str) -> String {
    use hmac::{KeyInit as _, Mac as _};
    let mut mac = hmac::Hmac::<sha1::Sha1>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(key_time.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}
