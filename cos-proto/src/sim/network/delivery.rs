//! What happens at the service.

use bytes::Bytes;
use http::{
    Response, Uri,
    header::{CONTENT_LENGTH, CONTENT_RANGE},
};

use super::{
    FaultKind, Line, Network,
    exchange::Copy,
    touched::{changes_objects, changes_uploads, param},
};
use crate::{
    CallKind,
    emulator::{Answer, Effect, Received, flipped},
    sim::Dice,
};

pub(super) const CRC: &str = "x-cos-hash-crc64ecma";

impl Network {
    /// A request reaches the service.
    pub(super) fn reach(&mut self, number: u64, copy: Copy) {
        let Some(exchange) = self.exchanges.get(&number) else { return };
        let (line, id, call, fate) = (exchange.line, exchange.id, exchange.call, exchange.fate);
        let late = copy == Copy::Duplicate || !exchange.client.is_there();
        if late && self.overtaking.has_overtaken(number, exchange) {
            self.counts.late_dropped += 1;
            self.tell("is dropped", line, id, call, "", 0);
            return;
        }
        self.counts.reached += 1;
        match (copy, late) {
            (Copy::Duplicate, _) => self.counts.happened(FaultKind::DuplicateRequest, call),
            (_, true) => self.counts.happened(FaultKind::LateRequest, call),
            _ => {
                let latest = self.reached.entry(line).or_default();
                if *latest > number {
                    self.counts.happened(FaultKind::Reorder, call);
                }
                *latest = number.max(*latest);
            }
        }
        if fate == Some(FaultKind::Delay) {
            self.counts.happened(FaultKind::Delay, call);
        }
        // One thing goes wrong at a time: a copy is what it is.
        let fate = fate.filter(|fate| !late && self.can_be_seen_through(line, *fate));
        let answer = self.execute(number, copy, fate);
        let status = u64::from(answer.response.status().as_u16());
        self.tell(if late { "reaches late" } else { "reaches" }, line, id, call, "", status);
        if copy == Copy::Original {
            self.answer(number, answer, fate);
        }
    }

    /// The service does what it is asked.
    fn execute(&mut self, number: u64, copy: Copy, fate: Option<FaultKind>) -> Answer {
        let now_ms = self.unix_ms();
        let Some(exchange) = self.exchanges.get_mut(&number) else { unreachable!("it is there") };
        let (line, call) = (exchange.line, exchange.call);
        // As a server sees it: in origin form, with Host.
        if let Some(target) = exchange.head.uri.path_and_query()
            && exchange.head.uri.authority().is_some()
        {
            exchange.head.uri = Uri::from(target.clone());
        }
        let corrupt = fate == Some(FaultKind::CorruptUpload) && !exchange.body.is_empty();
        let body = if corrupt { flipped(&exchange.body) } else { exchange.body.clone() };
        let effect = fate.and_then(|fate| effect_of(fate, &mut self.dice));
        let happens = effect.is_some();
        if corrupt {
            self.counts.happened(FaultKind::CorruptUpload, call);
        }
        self.transcript.word(body.len());
        let received = Received::from(body);
        self.transcript.word(received.crc64);
        let stored = corrupt.then(|| received.body.to_bytes());
        let mut answer = self.emulator.handle_with(now_ms, &exchange.head, received, effect);
        if fate == Some(FaultKind::OtherRange) && begin_later(&mut answer.response).is_some() {
            self.counts.happened(FaultKind::OtherRange, call);
        }
        if let Some(fate) = fate
            && happens
            && self.shows(fate, &answer)
        {
            self.counts.happened(fate, call);
            if matches!(fate, FaultKind::NoCrc | FaultKind::CorruptCopy) {
                self.one_of_two.insert(line, fate);
            }
        }
        self.saw_refusal(number, copy, &answer);
        self.saw_lag(number);
        if self.emulator.executed() {
            self.executed(number, copy, fate, stored);
        }
        answer
    }

    /// A damaged copy is found by comparing the CRCs of its source and of itself: where one is not
    /// stated, no client can see it.
    fn can_be_seen_through(&self, line: Line, fate: FaultKind) -> bool {
        let other = match fate {
            FaultKind::NoCrc => FaultKind::CorruptCopy,
            FaultKind::CorruptCopy => FaultKind::NoCrc,
            _ => return true,
        };
        self.one_of_two.get(&line) != Some(&other)
    }

    /// Whether an effect has made a difference to what is answered.
    fn shows(&self, fate: FaultKind, answer: &Answer) -> bool {
        let success = answer.response.status().is_success();
        match fate {
            FaultKind::WrongCrc => states_crc(answer),
            FaultKind::NoCrc => success && !states_crc(answer),
            FaultKind::EmptyResult | FaultKind::LeadingSpaces => success,
            FaultKind::CorruptCopy | FaultKind::PartialDelete => self.emulator.executed(),
            _ => true,
        }
    }

    /// What follows from a request that was executed.
    fn executed(
        &mut self,
        number: u64,
        copy: Copy,
        fate: Option<FaultKind>,
        stored: Option<Bytes>,
    ) {
        let Some(exchange) = self.exchanges.get_mut(&number) else { return };
        let (call, touched) = (exchange.call, &exchange.touched);
        if changes_objects(call) {
            self.objects_changed = self.now;
            let will_hear = copy == Copy::Original
                && exchange.client.is_there()
                && !exchange.doomed
                && fate.is_none_or(is_heard);
            self.overtaking.executed(number, exchange, will_hear);
        }
        if changes_uploads(call) {
            self.uploads_changed = self.now;
        }
        let upload = || param(&exchange.head.uri, "uploadId").unwrap_or("");
        let damage = &mut self.damage;
        match call {
            CallKind::PutObject => damage.written(self.now, &touched.key, stored),
            CallKind::PutObjectCopy => {
                let content = touched.source().and_then(|source| damage.current(source));
                let content = match fate {
                    Some(FaultKind::CorruptCopy) => self.emulator.content(&touched.key),
                    _ => content,
                };
                damage.written(self.now, &touched.key, content);
            }
            CallKind::UploadPartCopy => {
                if let Some(source) = touched.source() {
                    damage.copied_into(upload(), source);
                }
            }
            CallKind::CompleteMultipartUpload => {
                let content = damage.of_upload(upload());
                damage.written(self.now, &touched.key, content);
            }
            CallKind::DeleteObject | CallKind::DeleteMultipleObjects => {
                // One of many may have been refused.
                for key in touched.keys().filter(|key| self.emulator.content(key).is_none()) {
                    damage.written(self.now, key, None);
                }
            }
            CallKind::UploadPart => {
                self.parts_stored.push((touched.key.clone(), upload().to_owned()));
            }
            CallKind::InitiateMultipartUpload => {
                self.created.insert((exchange.line, touched.key.clone()));
                if let Some(opened) = self.emulator.take_opened() {
                    self.strays.insert(opened.clone());
                    self.counts.strays += 1;
                    self.opened.entry(exchange.line).or_default().push(opened.clone());
                    if copy == Copy::Original && fate != Some(FaultKind::EmptyResult) {
                        exchange.opened = Some(opened);
                    }
                }
            }
            _ => {}
        }
    }

    fn saw_refusal(&mut self, number: u64, copy: Copy, answer: &Answer) {
        let status = answer.response.status().as_u16();
        let Some(exchange) = self.exchanges.get(&number) else { return };
        let (call, waits) = (exchange.call, exchange.client.is_there());
        if !matches!(status, 400 | 403) || copy == Copy::Duplicate || !waits {
            return;
        }
        let body = answer.response.body().to_bytes();
        let says = |text: &str| body.windows(text.len()).any(|window| window == text.as_bytes());
        if says("RequestTimeTooSkewed") || says("Request has expired") {
            self.counts.happened(FaultKind::SkewedClock, call);
        } else if says("ExpiredToken") {
            self.counts.happened(FaultKind::ExpiredToken, call);
        }
    }

    /// Counts lists that may not show all.
    fn saw_lag(&mut self, number: u64) {
        let Some(exchange) = self.exchanges.get(&number) else { return };
        let call = exchange.call;
        let (changed, lag, kind) = match call {
            CallKind::GetBucket => {
                (self.objects_changed, self.weather.list_lag, FaultKind::ListLag)
            }
            CallKind::ListMultipartUploads => {
                (self.uploads_changed, self.weather.uploads_lag, FaultKind::UploadsLag)
            }
            _ => return,
        };
        if self.emulator.executed() && self.now < changed + lag {
            self.counts.happened(kind, call);
        }
    }
}

/// Whether the client of an executed request with this fate hears that it was.
fn is_heard(fate: FaultKind) -> bool {
    !matches!(
        fate,
        FaultKind::ResetAfter
            | FaultKind::LostReply
            | FaultKind::LateReply
            | FaultKind::CutBody
            | FaultKind::InternalErrorDone
            | FaultKind::ErrorIn200Done
            | FaultKind::EmptyResult
    )
}

fn effect_of(fate: FaultKind, dice: &mut Dice) -> Option<Effect> {
    const IN_200: [&str; 3] = ["InternalError", "SlowDown", "ServiceUnavailable"];
    Some(match fate {
        FaultKind::InternalError => Effect::internal_error(),
        FaultKind::InternalErrorDone => Effect::ActThenError,
        FaultKind::BadGateway => Effect::Gateway502,
        FaultKind::SlowDown => Effect::slow_down(),
        FaultKind::TooManyRequests => Effect::Error {
            status: 429,
            code: "TooManyRequests".to_owned(),
            message: "Too many requests.".to_owned(),
            retry_after: Some(dice.between(1, 5) as u32),
        },
        FaultKind::NetworkTooSlow => Effect::error(400, "UserNetworkTooSlow"),
        FaultKind::ErrorIn200 => Effect::ErrorIn200 { code: (*dice.pick(&IN_200)).to_owned() },
        FaultKind::ErrorIn200Done => {
            Effect::ActThenErrorIn200 { code: (*dice.pick(&IN_200)).to_owned() }
        }
        FaultKind::WrongCrc => Effect::WrongCrc,
        FaultKind::NoCrc => Effect::NoCrc,
        FaultKind::EmptyResult => Effect::EmptyResult,
        FaultKind::LeadingSpaces => Effect::LeadingSpaces(dice.between(1, 64) as usize),
        FaultKind::AccessDenied => Effect::error(403, "AccessDenied"),
        FaultKind::Conflict => Effect::error(409, *dice.pick(&["PathConflict", "UploadConflict"])),
        FaultKind::PartialDelete => Effect::KeyRefused(dice.below(1000) as usize),
        FaultKind::CorruptCopy => Effect::CorruptCopy,
        _ => return None,
    })
}

/// Has the answer to a ranged GET begin a few bytes later, and say so.
fn begin_later(answer: &mut Response<crate::Payload>) -> Option<()> {
    const LATER: u64 = 3;
    let range = answer.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    let (first, rest) = range.strip_prefix("bytes ")?.split_once('-')?;
    let first = first.parse::<u64>().ok()? + LATER;
    let range = format!("bytes {first}-{rest}").parse().ok()?;
    let body = answer.body().to_bytes();
    let body = body.get(LATER as usize..).filter(|body| !body.is_empty())?.to_vec();
    answer.headers_mut().insert(CONTENT_RANGE, range);
    answer.headers_mut().insert(CONTENT_LENGTH, body.len().into());
    *answer.body_mut() = body.into();
    Some(())
}

fn states_crc(answer: &Answer) -> bool {
    let (head, body) = (answer.response.headers(), answer.response.body());
    head.contains_key(CRC) || body.to_bytes().windows(7).any(|window| window == b"<CRC64>")
}
