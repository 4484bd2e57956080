//! What can go wrong between a client and the service.

use crate::CallKind;

/// What can go wrong with an exchange, or be seen in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// No connection: nothing was sent.
    Refuse,
    /// The connection is reset before the service acts.
    ResetBefore,
    /// The connection is reset after the service acted.
    ResetAfter,
    /// The service acts, and no answer comes until the client gives up.
    LostReply,
    /// The request is stalled for long.
    Delay,
    /// A request reached the service after one that its client had sent later.
    Reorder,
    /// The service gets the request twice.
    DuplicateRequest,
    /// The request reaches the service after its client has stopped waiting for it.
    LateRequest,
    /// The answer arrives after its client has stopped waiting for it.
    LateReply,
    /// The answer arrives twice.
    DuplicateReply,
    /// The answer's body breaks off.
    CutBody,
    /// The answer's body comes in small pieces with pauses.
    Trickle,
    /// 500, and nothing is done.
    InternalError,
    /// 500, and the request is executed.
    InternalErrorDone,
    /// 502 with a gateway's page, and nothing is done.
    BadGateway,
    /// 503 SlowDown.
    SlowDown,
    /// 429 with Retry-After.
    TooManyRequests,
    /// 400 UserNetworkTooSlow.
    NetworkTooSlow,
    /// 200 with an `<Error>`, and nothing is done.
    ErrorIn200,
    /// 200 with an `<Error>`, and the request is executed.
    ErrorIn200Done,
    /// The answer states another CRC-64.
    WrongCrc,
    /// The answer states no CRC-64, neither in a header nor in an element.
    NoCrc,
    /// 200 with an empty result, and the request is executed.
    EmptyResult,
    /// Spaces come before the answer's document, as while COS works.
    LeadingSpaces,
    /// 403 AccessDenied, and nothing is done.
    AccessDenied,
    /// 409 PathConflict or UploadConflict, and nothing is done.
    Conflict,
    /// One key of a multi-delete is refused and not deleted, the others are.
    PartialDelete,
    /// A byte of an uploaded body is changed before it is stored.
    CorruptUpload,
    /// A byte of a copy is changed before it is stored.
    CorruptCopy,
    /// A range begins later than was asked for, and says so.
    OtherRange,
    /// A byte of a downloaded body is changed after its CRC-64 was stated.
    CorruptDownload,
    /// A request was refused because its client's clock is off.
    SkewedClock,
    /// A request was refused because its token has expired.
    ExpiredToken,
    /// A list was asked for while it did not show all objects as they were.
    ListLag,
    /// The same of a list of uploads.
    UploadsLag,
}

impl FaultKind {
    /// All, in the order of their declaration.
    pub const ALL: [Self; 35] = [
        Self::Refuse,
        Self::ResetBefore,
        Self::ResetAfter,
        Self::LostReply,
        Self::Delay,
        Self::Reorder,
        Self::DuplicateRequest,
        Self::LateRequest,
        Self::LateReply,
        Self::DuplicateReply,
        Self::CutBody,
        Self::Trickle,
        Self::InternalError,
        Self::InternalErrorDone,
        Self::BadGateway,
        Self::SlowDown,
        Self::TooManyRequests,
        Self::NetworkTooSlow,
        Self::ErrorIn200,
        Self::ErrorIn200Done,
        Self::WrongCrc,
        Self::NoCrc,
        Self::EmptyResult,
        Self::LeadingSpaces,
        Self::AccessDenied,
        Self::Conflict,
        Self::PartialDelete,
        Self::CorruptUpload,
        Self::CorruptCopy,
        Self::OtherRange,
        Self::CorruptDownload,
        Self::SkewedClock,
        Self::ExpiredToken,
        Self::ListLag,
        Self::UploadsLag,
    ];

    /// For a table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::ResetBefore => "reset before acting",
            Self::ResetAfter => "reset after acting",
            Self::LostReply => "lost reply",
            Self::Delay => "delay",
            Self::Reorder => "reorder",
            Self::DuplicateRequest => "duplicate request",
            Self::LateRequest => "late request",
            Self::LateReply => "late reply",
            Self::DuplicateReply => "duplicate reply",
            Self::CutBody => "cut body",
            Self::Trickle => "trickle",
            Self::InternalError => "500",
            Self::InternalErrorDone => "500, executed",
            Self::BadGateway => "502 without XML",
            Self::SlowDown => "503 SlowDown",
            Self::TooManyRequests => "429 Retry-After",
            Self::NetworkTooSlow => "400 UserNetworkTooSlow",
            Self::ErrorIn200 => "<Error> in 200",
            Self::ErrorIn200Done => "<Error> in 200, executed",
            Self::WrongCrc => "wrong CRC",
            Self::NoCrc => "no CRC",
            Self::EmptyResult => "200 without its result",
            Self::LeadingSpaces => "spaces before the XML",
            Self::AccessDenied => "403 AccessDenied",
            Self::Conflict => "409 conflict",
            Self::PartialDelete => "key of a batch refused",
            Self::CorruptUpload => "corrupt upload",
            Self::CorruptCopy => "corrupt copy",
            Self::OtherRange => "other range than asked for",
            Self::CorruptDownload => "corrupt download",
            Self::SkewedClock => "skewed clock",
            Self::ExpiredToken => "expired token",
            Self::ListLag => "list lag",
            Self::UploadsLag => "list-uploads lag",
        }
    }

    /// Whether it is chosen for a request when that is sent; the others come about.
    pub(super) fn is_fate(self) -> bool {
        !matches!(
            self,
            Self::Reorder
                | Self::SkewedClock
                | Self::ExpiredToken
                | Self::ListLag
                | Self::UploadsLag
        )
    }

    /// How often it shall be, where another kind would be so often: what meets few calls more, what
    /// ends every operation less.
    pub(super) fn weighed(self, rate: u64) -> u64 {
        match self {
            Self::OtherRange | Self::PartialDelete => rate * 16,
            Self::CorruptCopy => rate * 6,
            Self::LeadingSpaces => rate * 4,
            Self::DuplicateReply => rate * 3,
            Self::EmptyResult | Self::Conflict | Self::CutBody => rate * 2,
            Self::AccessDenied => rate / 4,
            _ => rate,
        }
    }

    /// Whether it can meet such a call. A HEAD's CRC is what a lost commit is decided by, and
    /// nothing checks it: changed, it would be a lie that no client can see through. It may be
    /// missing.
    pub(super) fn meets(self, call: CallKind) -> bool {
        let uploads = matches!(call, CallKind::PutObject | CallKind::UploadPart);
        match self {
            Self::NoCrc => {
                let reads = matches!(call, CallKind::GetObject | CallKind::HeadObject);
                uploads || reads || call.answers_late()
            }
            Self::EmptyResult => has_result(call),
            Self::Conflict => matches!(
                call,
                CallKind::PutObject
                    | CallKind::CompleteMultipartUpload
                    | CallKind::InitiateMultipartUpload
            ),
            Self::PartialDelete => call == CallKind::DeleteMultipleObjects,
            Self::NetworkTooSlow | Self::CorruptUpload => uploads,
            Self::CorruptDownload | Self::OtherRange => call == CallKind::GetObject,
            Self::CorruptCopy => {
                matches!(call, CallKind::PutObjectCopy | CallKind::UploadPartCopy)
            }
            Self::ErrorIn200 | Self::ErrorIn200Done | Self::LeadingSpaces => call.answers_late(),
            Self::WrongCrc => uploads || call.answers_late() || call == CallKind::GetObject,
            Self::CutBody | Self::Trickle => {
                let reads = matches!(call, CallKind::GetObject | CallKind::DeleteMultipleObjects);
                reads || has_result(call)
            }
            _ => self.is_fate(),
        }
    }
}

/// Whether the answer is a document without which it says nothing.
fn has_result(call: CallKind) -> bool {
    let lists =
        matches!(call, CallKind::GetBucket | CallKind::ListMultipartUploads | CallKind::ListParts);
    lists || call.answers_late() || call == CallKind::InitiateMultipartUpload
}
