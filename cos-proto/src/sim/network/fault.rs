//! What can go wrong between a client and the service, and how often it did.

use std::fmt;

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
    pub const ALL: [Self; 29] = [
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

    /// Whether it can meet such a call. A HEAD's CRC is what a lost commit is decided by, and
    /// nothing checks it: changed, it would be a lie that no client can see through.
    pub(super) fn meets(self, call: CallKind) -> bool {
        let uploads = matches!(call, CallKind::PutObject | CallKind::UploadPart);
        match self {
            Self::NetworkTooSlow | Self::CorruptUpload => uploads,
            Self::CorruptDownload | Self::OtherRange => call == CallKind::GetObject,
            Self::CorruptCopy => {
                matches!(call, CallKind::PutObjectCopy | CallKind::UploadPartCopy)
            }
            Self::ErrorIn200 | Self::ErrorIn200Done => call.answers_late(),
            Self::WrongCrc => uploads || call.answers_late() || call == CallKind::GetObject,
            Self::CutBody | Self::Trickle => {
                !matches!(call, CallKind::HeadObject | CallKind::HeadBucket)
            }
            _ => self.is_fate(),
        }
    }
}

/// What has happened in one network, or in many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    faults: [u64; FaultKind::ALL.len()],
    /// Requests that clients sent.
    pub requests: u64,
    /// Those of them that were not the first attempt of their call.
    pub retries: u64,
    /// Requests that the service got, twice if they came twice.
    pub reached: u64,
    /// Late copies that were dropped, since something later had been done to their key.
    pub late_dropped: u64,
    /// Uploads opened of which nobody was told.
    pub strays: u64,
}

impl Counts {
    /// How often this really happened to an exchange.
    pub fn of(&self, kind: FaultKind) -> u64 {
        self.faults[kind as usize]
    }

    /// All faults.
    pub fn faults(&self) -> u64 {
        self.faults.iter().sum()
    }

    pub(super) fn happened(&mut self, kind: FaultKind) {
        self.faults[kind as usize] += 1;
    }

    /// Adds what happened elsewhere.
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in self.faults.iter_mut().zip(other.faults) {
            *sum += more;
        }
        self.requests += other.requests;
        self.retries += other.retries;
        self.reached += other.reached;
        self.late_dropped += other.late_dropped;
        self.strays += other.strays;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for kind in FaultKind::ALL {
            writeln!(out, "{:<26}{:>14}", kind.name(), self.of(kind))?;
        }
        writeln!(out, "{:<26}{:>14}", "requests sent", self.requests)?;
        writeln!(out, "{:<26}{:>14}", "requests that reached COS", self.reached)?;
        writeln!(out, "{:<26}{:>14}", "late copies dropped", self.late_dropped)?;
        writeln!(out, "{:<26}{:>14}", "uploads nobody knows of", self.strays)
    }
}
