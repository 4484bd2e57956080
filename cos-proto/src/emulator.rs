//! The service's end of COS as a pure, strict value: requests in, answers out, on maps only.
//!
//! It answers as a bucket does that was created after 2024-01-01, never had versioning, and is
//! addressed by its own host name. Signatures, time windows, part numbers, sizes, order, limits
//! and digests are checked as the service checks them. It shares nothing with the client's side
//! but the digests, [`Payload`](crate::Payload), [`Credentials`] and time types, so that a mistake
//! of the client is not repeated here.
//!
//! No I/O, clock or randomness of its own: [`Emulator::handle`] is given the time, and ids and
//! random faults come from a generator seeded by [`Settings::seed`]. Bodies are hashed while they
//! are received, by [`BodyHasher`], so `handle` only works on maps.
//!
//! What the public documents leave open is decided here as follows (each is one line in the code
//! with its reason): a window that starts more than 15 minutes in the future is
//! `RequestTimeTooSkewed`, any other time outside it "Request has expired"; a wrong or missing
//! token is `InvalidAccessKeyId`, an expired one 400 `ExpiredToken`; a malformed Authorization is
//! 400 `InvalidArgument`; `max-keys` over 1000 and gaps in part numbers are refused; a copy onto
//! itself needs the directive `Replaced`; several ranges or a malformed one give the whole object.
//!
//! Outside semver, as is all behind the feature `emulator`.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    reason = "a test double: sizes are bounded by memory, and a panic here fails a test, not a user"
)]

mod access;
mod acl;
mod answer;
mod append;
mod body;
mod bucket;
mod checksum;
mod clock;
mod complete;
mod conditions;
mod control;
mod copy;
mod copy_source;
mod effects;
mod encryption;
mod errors;
mod faults;
mod headers;
mod lagged;
mod list;
mod log;
mod multi_delete;
mod multipart;
mod object;
mod object_reply;
mod random;
mod range;
mod reply;
mod request;
mod restore;
mod routing;
mod settings;
mod tagging;
mod uploads;
mod world;
mod xml;

#[cfg(feature = "sim")]
pub(crate) use self::effects::flipped;
pub use self::{
    answer::{Answer, Delivery, OverTls},
    body::{BodyHasher, Received},
    control::Stored,
    faults::{Effect, Fault, FaultId, Matching},
    log::Logged,
    settings::{Downloads, Settings, SseCTransport},
};

use http::{Method, request::Parts};

use self::{
    clock::{Clock, Moment},
    effects::{Instead, gateway},
    errors::Refusal,
    faults::{Faults, Target},
    log::Log,
    reply::{Names, Reply},
    request::Request,
    routing::Action,
    world::World,
};
use crate::{Credentials, Error};

/// The service: buckets and objects in memory.
#[derive(Debug)]
pub struct Emulator {
    world: World,
    credentials: Vec<Credentials>,
    /// The bucket that a bare address means.
    first: String,
    clock: Clock,
    /// The time of the last request.
    last: Moment,
    faults: Faults,
    log: Log,
    /// Whether the last request was executed, whatever was answered.
    executed: bool,
}

impl Emulator {
    /// An emulator with empty buckets.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`](crate::ErrorKind::InvalidParameter) naming the setting.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        settings.check()?;
        Ok(Self {
            world: World::new(&settings),
            first: settings.buckets.first().cloned().unwrap_or_default(),
            credentials: settings.credentials,
            clock: Clock::new(settings.skew_seconds),
            last: Moment(0),
            faults: Faults::new(settings.fault_rate, settings.seed),
            log: Log::default(),
            executed: false,
        })
    }

    /// Answers one request.
    ///
    /// `now_ms` is the caller's clock in unix milliseconds; the emulator adds
    /// [`Settings::skew_seconds`] and what [`advance`](Self::advance) was told. `head.uri` is the
    /// request target as it came, raw: origin form or absolute form. A body that came chunked is
    /// handed over joined, with its `Transfer-Encoding` header still there.
    #[must_use]
    pub fn handle(&mut self, now_ms: i64, head: &Parts, body: Received) -> Answer {
        self.handle_with(now_ms, head, body, None)
    }

    /// The same, with this going wrong whatever faults are injected.
    #[must_use]
    pub fn handle_with(
        &mut self,
        now_ms: i64,
        head: &Parts,
        body: Received,
        imposed: Option<Effect>,
    ) -> Answer {
        let now = self.clock.at(now_ms);
        self.last = now;
        self.executed = false;
        let mut names = Names::new(&mut self.world.random, now);
        // What nobody will read is not written.
        let read = self.log.is_kept() || self.faults.are_armed();
        let mut logged = Logged {
            method: head.method.clone(),
            path: if read { head.uri.path().to_owned() } else { String::new() },
            query: if read { log::blot(head.uri.query().unwrap_or("")) } else { String::new() },
            call: None,
            action: "",
            bucket: String::new(),
            key: String::new(),
            status: 0,
            code: None,
            bytes_received: body.body.len(),
            fault: None,
        };
        let head_only = head.method == Method::HEAD;
        let mut outcome = match self.route(head, body, now, &mut names, &mut logged) {
            Ok((request, action)) => self.exchange(request, action, imposed, &names, &mut logged),
            Err(refusal) => Outcome::Reply(Reply::refusal(&refusal, &names)),
        };
        if let Outcome::Reply(reply) = &mut outcome {
            logged.code = reply.code.take();
        }
        let answer = match outcome {
            Outcome::Reply(reply) => reply.finish(&names, now, head_only),
            Outcome::Gateway => gateway().finish_bare(now, head_only),
            Outcome::Silence => {
                let mut answer = Reply::ok().finish(&names, now, head_only);
                answer.delivery = Delivery::NoReply;
                answer
            }
        };
        if answer.delivery != Delivery::NoReply {
            logged.status = answer.response.status().as_u16();
        }
        self.log.push(logged);
        answer
    }

    fn route<'a>(
        &self,
        head: &'a Parts,
        body: Received,
        now: Moment,
        names: &mut Names,
        logged: &mut Logged,
    ) -> Result<(Request<'a>, Action), Refusal> {
        head.uri.path().clone_into(&mut names.resource);
        let request = Request::parse(head, body, now, &self.first)?;
        names.resource = request.resource();
        request.bucket().clone_into(&mut logged.bucket);
        request.key().clone_into(&mut logged.key);
        let action = Action::of(&request)?;
        logged.call = action.kind();
        logged.action = action.name();
        Ok((request, action))
    }

    /// Executes a request, unless a fault has it otherwise. Faults that answer by themselves come
    /// before the signature is looked at, as in a gateway.
    fn exchange(
        &mut self,
        mut request: Request<'_>,
        action: Action,
        imposed: Option<Effect>,
        names: &Names,
        logged: &mut Logged,
    ) -> Outcome {
        let target = Target { action, key: request.key(), query: &logged.query };
        let fault = imposed.or_else(|| self.faults.pick(&target));
        logged.fault.clone_from(&fault);
        let Some(effect) = fault else {
            return Outcome::Reply(self.act(&mut request, action, names));
        };
        if let Some(instead) = effect.instead() {
            return Outcome::instead(instead, names);
        }
        effect.on_request(action, &mut request);
        let reply = self.act(&mut request, action, names);
        match effect.afterwards() {
            Some(instead) => Outcome::instead(instead, names),
            None => Outcome::Reply(effect.on_reply(action, reply)),
        }
    }

    fn act(&mut self, request: &mut Request<'_>, action: Action, names: &Names) -> Reply {
        let done = access::authenticate(request, &self.credentials).and_then(|identity| {
            request.identity = identity;
            access::authorise(&self.world, request, action)?;
            headers::check_traffic_limit(request)?;
            self.perform(request, action)
        });
        self.executed = done.is_ok();
        done.unwrap_or_else(|refusal| Reply::refusal(&refusal, names))
    }

    fn perform(&mut self, request: &Request<'_>, action: Action) -> Result<Reply, Refusal> {
        let world = &mut self.world;
        match action {
            Action::GetService => Ok(bucket::service(world)),
            Action::PutBucket => bucket::put(world, request),
            Action::DeleteBucket => bucket::delete(world, request),
            Action::HeadBucket => Ok(bucket::head(world)),
            Action::GetBucket => list::objects(world, request),
            Action::GetBucketObjectVersions => list::versions(world, request),
            Action::ListMultipartUploads => uploads::list(world, request),
            Action::DeleteMultipleObjects => multi_delete::delete(world, request),
            Action::GetBucketAcl => acl::get_bucket(world, request),
            Action::PutBucketAcl => acl::put_bucket(world, request),
            Action::GetBucketConfig(name) => bucket::config(world, name),
            Action::DeleteBucketConfig => Ok(Reply::no_content()),
            Action::PutObject => object::put(world, request),
            Action::PutObjectCopy => copy::object(world, request, &self.first),
            Action::GetObject => object_reply::get(world, request),
            Action::HeadObject => object_reply::head(world, request),
            Action::DeleteObject => object::delete(world, request),
            Action::InitiateMultipartUpload => multipart::initiate(world, request),
            Action::UploadPart => multipart::upload_part(world, request),
            Action::UploadPartCopy => copy::part(world, request, &self.first),
            Action::CompleteMultipartUpload => complete::complete(world, request),
            Action::AbortMultipartUpload => multipart::abort(world, request),
            Action::ListParts => multipart::list_parts(world, request),
            Action::AppendObject => append::append(world, request),
            Action::GetObjectAcl => acl::get_object(world, request),
            Action::PutObjectAcl => acl::put_object(world, request),
            Action::GetObjectTagging => tagging::get(world, request),
            Action::PutObjectTagging => tagging::put(world, request),
            Action::DeleteObjectTagging => tagging::delete(world, request),
            Action::PostObjectRestore => restore::restore(world, request),
            Action::OptionsObject => Err(errors::Code::AccessForbidden.into()),
        }
    }
}

/// What becomes of a request.
enum Outcome {
    Reply(Reply),
    Gateway,
    Silence,
}

impl Outcome {
    fn instead(instead: Instead, names: &Names) -> Self {
        match instead {
            Instead::Refusal(refusal) => Self::Reply(Reply::refusal(&refusal, names)),
            Instead::RefusalIn200(refusal) => {
                Self::Reply(Reply::refusal(&refusal, names).chunked())
            }
            Instead::Gateway => Self::Gateway,
            Instead::Silence => Self::Silence,
        }
    }
}

#[cfg(test)]
mod tests;
