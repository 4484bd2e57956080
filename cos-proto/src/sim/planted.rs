//! Bugs that a simulation must find.

/// Writes the enum, its list and its names from one table, so that none is forgotten.
macro_rules! bugs {
    ($($(#[doc = $doc:literal])+ $bug:ident = $name:literal,)+) => {
        /// A bug planted into the driver, to see that the simulation finds it.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(clippy::exhaustive_enums, reason = "outside semver")]
        pub enum Planted {
            /// The driver as it is.
            #[default]
            Nothing,
            $($(#[doc = $doc])+ $bug,)+
        }

        impl Planted {
            /// All bugs, without [`Nothing`](Self::Nothing).
            pub const ALL: &[Self] = &[$(Self::$bug,)+];

            /// What is wrong, in a few words for a table.
            pub const fn name(self) -> &'static str {
                match self {
                    Self::Nothing => "nothing",
                    $(Self::$bug => $name,)+
                }
            }
        }
    };
}

bugs! {
    // Commit and its settlement.

    /// When all answers to a Complete or PUT were lost, the HEAD is made but what it shows is not
    /// looked at. A commit that never happened is reported as success.
    CommitNotVerified = "commit not verified after a lost reply",
    /// The HEAD after an ambiguous commit is satisfied with an equal size. Another's object, or the
    /// one from before, is taken for the commit.
    EqualSizeAccepted = "HEAD accepts equal size without CRC",
    /// When the HEAD after an ambiguous commit fails, too, the commit is reported as done.
    UnknownTakenForDone = "unknown outcome reported as success",
    /// An ambiguous commit that no HEAD can settle is reported as surely not done, although the
    /// Complete may have been executed or may still be.
    UnknownTakenForLost = "unknown outcome reported as failure",
    /// A 200 that carries an `<Error>` is taken for success: nothing was committed.
    ErrorIn200Accepted = "<Error> in a 200 taken for success",
    /// COS's CRCs of parts and objects that were written are not compared: damaged bytes are
    /// committed.
    WriteCrcIgnored = "CRC of what was written ignored",
    /// A commit by parts does not upload the bytes after the last full one: the object is short.
    CommitDropsTail = "tail dropped on Commit",
    /// After a commit the record stays, for nobody to delete.
    RecordLeftByCommit = "record left behind by a commit",

    // The resumable writer.

    /// Close does not wait for the parts in flight: the record it writes lacks bytes that the
    /// caller was told are durable.
    RecordBeforeParts = "record written before the parts are acknowledged",
    /// A writer resumes a record although the object at the key has changed since: it goes on with
    /// what another's commit has overtaken, and so undoes that.
    BaseIgnored = "base ETag ignored",
    /// A Close with nothing new to say writes the record all the same: what another writer closed
    /// meanwhile is undone.
    IdleCloseSaves = "Close without new bytes writes the record",
    /// The record is deleted before the upload that it names: a crash between leaves an upload that
    /// nothing names.
    RecordDroppedFirst = "record deleted before its upload is aborted",
    /// A driver's writer that fails aborts its upload, in which an earlier Close may be durable.
    FailedPartAborts = "a failed part aborts a recorded upload",
    /// A driver's writer whose claim was refused leaves the upload it has created, which no record
    /// names.
    RefusedClaimLeavesUpload = "upload left behind by a refused claim",
    /// Parts are uploaded before a record names the upload: a crash leaves an upload with parts that
    /// nothing names.
    ClaimSkipped = "claim skipped",
    /// A resumed writer numbers its parts from 1 again and replaces those that are there.
    PartsRenumbered = "parts renumbered from 1 on resume",
    /// The record that Close writes lacks the bytes after the last part.
    CloseDropsTail = "tail dropped on Close",
    /// A cancelled writer deletes its record and leaves the upload.
    CancelLeavesUpload = "cancel does not abort the upload",
    /// A writer that begins anew deletes the old record without aborting the upload it names.
    StaleUploadLeft = "stale record deleted without aborting its upload",
    /// Appending to a committed object begins anew instead of being refused: a commit replaces it by
    /// the appended bytes alone.
    CommittedReopened = "append to a committed object begins anew",
    /// Sealed parts count as paid for though the budget is spent: memory grows without bound.
    MemoryBudgetIgnored = "memory budget ignored",

    // Reading.

    /// CRCs of what was read are not compared: damaged bytes are delivered as good ones.
    ReadCrcIgnored = "CRC of what was read ignored",
    /// The CRC of the whole object is compared with the bytes of a range: good reads fail.
    RangeCrcCompared = "whole-object CRC compared with a range",
    /// A download goes on without asking for, or looking at, the ETag: bytes of two objects mix.
    ETagNotPinned = "ETag not pinned on resume",
    /// After a cut, a download asks for its first byte again and delivers bytes twice.
    ResumedAtStart = "resume at the wrong offset after a cut",
    /// A 206 that begins behind the next byte is accepted: bytes are missing.
    OtherRangeAccepted = "206 with another offset accepted",
    /// Of the ranges that are read ahead the last one that is there is given out: bytes are in the
    /// wrong places.
    RangesUnordered = "ranges given out in another order",
    /// A body that broke off is taken for a complete one.
    CutTakenForEnd = "a cut body taken for a complete one",

    // Copy and move.

    /// The source of a move is deleted although the copy failed.
    SourceDeletedAfterFailedCopy = "source deleted after a failed copy",
    /// The CRC of a copy is not compared with the source's.
    CopyCrcIgnored = "CRC of a copy ignored",
    /// A copy by parts that fails leaves its upload behind.
    CopyLeavesUpload = "upload left behind by a failed copy",
    /// A move of an object onto itself copies and then deletes it.
    MoveOntoItselfDeletes = "move onto itself deletes the object",

    // Lists, walks, recursive deletes, sweeps.

    /// Skipping `/a/b` also passes over `/a/bc`.
    SkipWithoutBoundary = "skip without / boundary",
    /// A walk loses the last entry of every page but the last.
    WalkLosesPageEnd = "walk loses entries at a page's end",
    /// A range of a walk in parallel loses its first key.
    WalkRangeLosesFirst = "walk in parallel loses a range's first key",
    /// The list of `/a` shows what stands at `/ab`.
    ListTakesSibling = "list takes a sibling prefix",
    /// `/a` is a directory because there is `/ab`.
    StatTakesSibling = "stat takes a sibling prefix",
    /// Deleting `/a` deletes `/ab`, too.
    DeleteTakesSibling = "delete takes a sibling prefix",
    /// A recursive delete leaves the resume records, and what they name, below its path.
    DeleteForgetsRecords = "delete forgets ~upload records",
    /// A recursive delete reads the first page of its list only.
    DeleteStopsAtPage = "delete stops after the first page",
    /// A recursive delete deletes only what lists show, not what its driver has just written.
    DeleteTrustsLists = "delete forgets what the driver wrote lately",
    /// A sweep removes uploads and records that are in use.
    SweepIgnoresAge = "sweep ignores the age",

    // Delivery.

    /// A call that must not be sent twice is sent again after an attempt that may have been executed.
    UnsafeCallRepeated = "retry of a non-replayable call",
    /// The late answer to an earlier attempt is taken for that to the newest.
    LateReplyAccepted = "a late reply answering a newer attempt",
    /// A call that backs off lets others take its place: more are under way than allowed.
    SlotReleasedInBackOff = "slot released during back-off",
    /// A call is never sent again: what would pass is reported as a failure.
    NeverSentAgain = "no retry",
    /// A call is sent again without a pause, whatever COS asks for.
    BackOffSkipped = "retry without back-off",
    /// A call is sent again and again, past its attempts and its deadline.
    RetriedForEver = "retry for ever",
    /// A machine that backs off does not say until when: nobody wakes it.
    TimerForgotten = "waiting without a time to wake",
    /// COS's clock is not learned from its refusals: a skewed driver never gets through.
    SkewNeverLearned = "skew never learned",
    /// Refused credentials are not replaced: the driver never gets through again.
    CredentialsNeverRefreshed = "stale credentials never refreshed",
    /// The simulation's adapter keeps the permit of an exchange until its operation handles the
    /// answer: operations that wait for permits wait for each other.
    PermitKeptUntilHandled = "permit kept until the reply is handled",
}

#[cfg(test)]
mod histories;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_bug_is_listed_once_and_has_its_own_name() {
        let names: BTreeSet<&str> = Planted::ALL.iter().map(|bug| bug.name()).collect();
        assert_eq!(names.len(), Planted::ALL.len());
        assert!(!Planted::ALL.contains(&Planted::Nothing));
        assert_eq!(Planted::default(), Planted::Nothing);
    }
}
