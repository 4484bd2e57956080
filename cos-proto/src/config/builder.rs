//! Collects parameters, then checks them all.

use std::{borrow::Cow, num::NonZeroUsize, time::Duration};

use super::{
    Config, CredentialsSource, DEFAULT_CALL_DEADLINE, DEFAULT_CHUNK_SIZE, DEFAULT_CONNECT_TIMEOUT,
    DEFAULT_IDLE_TIMEOUT, DEFAULT_MAX_CONCURRENCY,
    names::{self, Parameter},
    parameters::Parameters,
    value::Value,
};
use crate::{
    Bucket, Credentials, Endpoint, Error, ErrorKind, Region, RootDirectory,
    api::{Encryption, SseKms, StorageClass},
    credentials::{VISIBLE_RULE, is_visible},
};

/// Sets parameters one by one; [`build`](Self::build) checks them.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    parameters: Parameters,
    /// The program brings its own credentials.
    by_program: bool,
}

impl Builder {
    /// Sets any parameter by its name.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.parameters.set(name, value);
        self
    }

    /// Sets many parameters by their names.
    #[must_use]
    pub fn parameters<N, V>(self, parameters: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<Value>,
    {
        parameters.into_iter().fold(self, |builder, (name, value)| builder.parameter(name, value))
    }

    /// Sets `secretid` and `secretkey`.
    #[must_use]
    pub fn secret(self, id: impl Into<String>, key: impl Into<String>) -> Self {
        self.parameter(names::SECRET_ID.name, id.into())
            .parameter(names::SECRET_KEY.name, key.into())
    }

    /// Sets `sessiontoken`.
    #[must_use]
    pub fn session_token(self, token: impl Into<String>) -> Self {
        self.parameter(names::SESSION_TOKEN.name, token.into())
    }

    /// The program passes a provider to the adapter, so `secretid` and `secretkey` are not needed.
    #[must_use]
    pub fn credentials_by_program(mut self) -> Self {
        self.by_program = true;
        self
    }

    /// Sets `bucket`.
    #[must_use]
    pub fn bucket(self, bucket: impl Into<String>) -> Self {
        self.parameter(names::BUCKET.name, bucket.into())
    }

    /// Sets `region`.
    #[must_use]
    pub fn region(self, region: impl Into<String>) -> Self {
        self.parameter(names::REGION.name, region.into())
    }

    /// Sets `endpoint`.
    #[must_use]
    pub fn endpoint(self, endpoint: impl Into<String>) -> Self {
        self.parameter(names::ENDPOINT.name, endpoint.into())
    }

    /// Sets `secure`.
    #[must_use]
    pub fn secure(self, secure: bool) -> Self {
        self.parameter(names::SECURE.name, secure)
    }

    /// Sets `rootdirectory`.
    #[must_use]
    pub fn root_directory(self, directory: impl Into<String>) -> Self {
        self.parameter(names::ROOT_DIRECTORY.name, directory.into())
    }

    /// Sets `chunksize`, in bytes.
    #[must_use]
    pub fn chunk_size(self, bytes: u64) -> Self {
        self.parameter(names::CHUNK_SIZE.name, bytes)
    }

    /// Sets `maxconcurrency`.
    #[must_use]
    pub fn max_concurrency(self, requests: u32) -> Self {
        self.parameter(names::MAX_CONCURRENCY.name, requests)
    }

    /// Checks everything.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`]; see [`Config::from_parameters`].
    pub fn build(self) -> Result<Config, Error> {
        let given = &self.parameters;
        given.check_names()?;
        let kind = credentials_kind(given, self.by_program)?;
        check_required(given, kind)?;

        let bucket = Bucket::new(&given.text(names::BUCKET).unwrap_or_default())?;
        let region = Region::new(&given.text(names::REGION).unwrap_or_default())?;
        let (endpoint, redirect_endpoint) = endpoints(given, &bucket, &region)?;
        let directory = given.text(names::ROOT_DIRECTORY).unwrap_or_default();
        Ok(Config {
            credentials: credentials(given, kind)?,
            endpoint,
            redirect_endpoint,
            bucket,
            region,
            root_directory: RootDirectory::new(&directory)?,
            chunk_size: given.integer(
                names::CHUNK_SIZE,
                5 * MIB..=100 * MIB,
                DEFAULT_CHUNK_SIZE,
            )?,
            max_concurrency: concurrency(given, names::MAX_CONCURRENCY)?,
            storage_class: storage_class(given)?,
            encryption: encryption(given)?,
            copy_threshold: given.integer(names::COPY_THRESHOLD, 0..=5 * GIB, GIB)?,
            copy_part_size: given.integer(names::COPY_CHUNK_SIZE, 5 * MIB..=5 * GIB, 128 * MIB)?,
            copy_concurrency: concurrency(given, names::COPY_CONCURRENCY)?,
            user_agent: user_agent(given)?,
            root_ca: given.text(names::ROOT_CA).map(Cow::into_owned),
            connect_timeout: given.duration(
                names::CONNECT_TIMEOUT,
                MILLISECOND..=DAY,
                DEFAULT_CONNECT_TIMEOUT,
            )?,
            idle_timeout: given.duration(
                names::IDLE_TIMEOUT,
                MILLISECOND..=DAY,
                DEFAULT_IDLE_TIMEOUT,
            )?,
            call_deadline: given.duration(
                names::CALL_DEADLINE,
                SECOND..=DAY,
                DEFAULT_CALL_DEADLINE,
            )?,
        })
    }
}

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How `credentials` says that they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CredentialsKind {
    Static,
    Environment,
    CvmRole,
    Program,
}

fn credentials_kind(given: &Parameters, by_program: bool) -> Result<CredentialsKind, Error> {
    let text = given.text(names::CREDENTIALS);
    match (text.as_deref(), by_program) {
        (None, true) => Ok(CredentialsKind::Program),
        (Some(_), true) => {
            Err(given.refuse(names::CREDENTIALS, "must be absent: the program brings its own"))
        }
        (None | Some("static"), false) => Ok(CredentialsKind::Static),
        (Some("environment"), false) => Ok(CredentialsKind::Environment),
        (Some("cvmrole"), false) => Ok(CredentialsKind::CvmRole),
        (Some(_), false) => {
            Err(given.refuse(names::CREDENTIALS, "must be static, environment or cvmrole"))
        }
    }
}

fn check_required(given: &Parameters, kind: CredentialsKind) -> Result<(), Error> {
    let secrets: &[&Parameter] =
        if kind == CredentialsKind::Static { &[names::SECRET_ID, names::SECRET_KEY] } else { &[] };
    let missing: Vec<&str> = secrets
        .iter()
        .chain(&[names::REGION, names::BUCKET])
        .filter(|parameter| !given.has(parameter))
        .map(|parameter| parameter.name)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut text = format!("missing required parameters: {}", missing.join(", "));
    if missing.contains(&names::SECRET_ID.name) {
        text.push_str(" (or set credentials to environment or cvmrole)");
    }
    Err(Error::new(ErrorKind::InvalidParameter, text))
}

fn credentials(given: &Parameters, kind: CredentialsKind) -> Result<CredentialsSource, Error> {
    let secrets = [names::SECRET_ID, names::SECRET_KEY, names::SESSION_TOKEN];
    if kind == CredentialsKind::Static {
        for parameter in secrets {
            if given.text(parameter).is_some_and(|text| !is_visible(&text)) {
                return Err(given.refuse(parameter, VISIBLE_RULE));
            }
        }
        let text = |parameter| given.text(parameter).unwrap_or_default().into_owned();
        let credentials = Credentials::new(text(names::SECRET_ID), text(names::SECRET_KEY));
        return Ok(CredentialsSource::Static(match given.text(names::SESSION_TOKEN) {
            Some(token) => credentials.with_token(token.into_owned()),
            None => credentials,
        }));
    }
    if let Some(parameter) = secrets.into_iter().find(|parameter| given.has(parameter)) {
        return Err(given.refuse(parameter, "must be absent unless credentials = static"));
    }
    Ok(match kind {
        CredentialsKind::Environment => CredentialsSource::Environment,
        CredentialsKind::CvmRole => CredentialsSource::CvmRole,
        CredentialsKind::Static | CredentialsKind::Program => CredentialsSource::Program,
    })
}

/// `endpoint` and `redirectendpoint`; `secure` decides for those that name no scheme.
fn endpoints(
    given: &Parameters,
    bucket: &Bucket,
    region: &Region,
) -> Result<(Endpoint, Option<Endpoint>), Error> {
    let explicit = given.boolean(names::SECURE)?;
    let endpoint = match endpoint(given, names::ENDPOINT, explicit.unwrap_or(true))? {
        Some(endpoint) => endpoint,
        None => Endpoint::of(bucket, region, explicit.unwrap_or(true)),
    };
    if explicit.is_some_and(|secure| secure != endpoint.is_secure()) {
        let rule = format!(
            "contradicts endpoint = {endpoint}; leave one of them out, or the scheme of endpoint"
        );
        return Err(given.refuse(names::SECURE, &rule));
    }
    let redirect = self::endpoint(given, names::REDIRECT_ENDPOINT, endpoint.is_secure())?;
    Ok((endpoint, redirect))
}

fn endpoint(
    given: &Parameters,
    parameter: &Parameter,
    secure: bool,
) -> Result<Option<Endpoint>, Error> {
    let Some(text) = given.text(parameter) else { return Ok(None) };
    let parsed = if text.contains("://") {
        text.parse()
    } else {
        format!("{}://{text}", if secure { "https" } else { "http" }).parse()
    };
    parsed.map(Some).map_err(|rule: String| given.refuse(parameter, &rule))
}

fn concurrency(given: &Parameters, parameter: &Parameter) -> Result<NonZeroUsize, Error> {
    let default = u64::try_from(DEFAULT_MAX_CONCURRENCY.get()).unwrap_or(u64::MAX);
    let number = given.integer(parameter, 1..=10_000, default)?;
    Ok(usize::try_from(number).ok().and_then(NonZeroUsize::new).unwrap_or(NonZeroUsize::MIN))
}

fn storage_class(given: &Parameters) -> Result<Option<StorageClass>, Error> {
    given.text(names::STORAGE_CLASS).map(|class| class.parse()).transpose()
}

fn encryption(given: &Parameters) -> Result<Encryption, Error> {
    let encrypt = given.boolean(names::ENCRYPT)?.unwrap_or(false);
    match (encrypt, given.text(names::KEY_ID)) {
        (false, None) => Ok(Encryption::None),
        (false, Some(_)) => Err(given.refuse(names::KEY_ID, "needs encrypt = true")),
        (true, None) => Ok(Encryption::SseCos),
        (true, Some(id)) => Ok(Encryption::SseKms(SseKms::new().key_id(&id)?)),
    }
}

fn user_agent(given: &Parameters) -> Result<Option<String>, Error> {
    let Some(text) = given.text(names::USER_AGENT) else { return Ok(None) };
    let printable = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if printable && text.trim() == text {
        Ok(Some(text.into_owned()))
    } else {
        let rule = "must be visible ASCII characters, with spaces only between them";
        Err(given.refuse(names::USER_AGENT, rule))
    }
}
