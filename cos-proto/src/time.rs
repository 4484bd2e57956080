//! Time as values: the caller owns every clock.

use std::{
    fmt,
    ops::{Add, Sub},
    time::Duration,
};

use time::{
    Date, Month, OffsetDateTime, PrimitiveDateTime, format_description::BorrowedFormatItem,
    macros::format_description,
};

/// A point on the caller's monotonic clock: the time since an epoch that the caller picks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticks(Duration);

impl Ticks {
    /// The epoch itself.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// The point `since_epoch` after the epoch.
    pub const fn new(since_epoch: Duration) -> Self {
        Self(since_epoch)
    }

    /// The time since the epoch.
    pub const fn since_epoch(self) -> Duration {
        self.0
    }

    /// How much later `self` is than `earlier`; zero when it is not later.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Ticks {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }
}

/// Wall-clock time in whole seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(i64);

impl UnixTime {
    /// The point `seconds` after (or, negative, before) 1970-01-01T00:00:00Z.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub const fn as_secs(self) -> i64 {
        self.0
    }

    /// How many seconds `self` is after (or, negative, before) `other`.
    pub(crate) const fn secs_since(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }

    /// Reads an HTTP date in the form `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, IMF-fixdate).
    pub fn parse_http_date(text: &str) -> Option<Self> {
        // By hand, as below: every answer has two.
        let (weekday, text) = text.trim().split_at_checked(5)?;
        let &[d1, d2, b' ', o1, o2, o3, b' ', y1, y2, y3, y4, b' ', ref clock @ ..] =
            text.as_bytes()
        else {
            return None;
        };
        let month = MONTHS.iter().position(|name| name.as_bytes() == [o1, o2, o3])?;
        let month = Month::January.nth_next(u8::try_from(month).ok()?);
        let date = date([y1, y2, y3, y4], month, [d1, d2], clock.strip_suffix(b" GMT")?)?;
        let named = WEEKDAYS.iter().position(|name| weekday.strip_suffix(", ") == Some(name))?;
        let is = usize::from(date.weekday().number_days_from_monday());
        (named == is).then(|| Self(date.assume_utc().unix_timestamp()))
    }

    /// Reads an ISO 8601 date as COS prints it: `2020-12-10T03:37:30.000Z`, with or without the
    /// fraction of a second, which is dropped.
    pub fn parse_iso8601(text: &str) -> Option<Self> {
        let text = text.trim().strip_suffix('Z')?;
        let (whole, fraction) = text.split_at_checked("2020-12-10T03:37:30".len())?;
        let digits = fraction.strip_prefix('.');
        let broken = |digits: &str| !digits.bytes().all(|byte| byte.is_ascii_digit());
        if digits.map_or(!fraction.is_empty(), |digits| digits.is_empty() || broken(digits)) {
            return None;
        }
        // By hand: a list has a thousand of them, and a parser driven by a description takes longer
        // than the XML around them.
        let &[y1, y2, y3, y4, b'-', o1, o2, b'-', d1, d2, b'T', ref clock @ ..] = whole.as_bytes()
        else {
            return None;
        };
        let month = Month::try_from(pair(o1, o2)?).ok()?;
        let date = date([y1, y2, y3, y4], month, [d1, d2], clock)?;
        Some(Self(date.assume_utc().unix_timestamp()))
    }

    /// Writes the HTTP date form.
    pub fn to_http_date(self) -> String {
        self.format(HTTP_DATE)
    }

    /// Writes the ISO 8601 form as COS prints it, with milliseconds: `2020-12-10T03:37:30.000Z`.
    pub fn to_iso8601(self) -> String {
        let mut text = self.format(ISO_8601);
        text.push_str(".000Z");
        text
    }

    fn format(self, form: &[BorrowedFormatItem<'_>]) -> String {
        OffsetDateTime::from_unix_timestamp(self.0)
            .ok()
            .and_then(|date| date.format(form).ok())
            .unwrap_or_default()
    }
}

impl Add<Duration> for UnixTime {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        Self(self.0.saturating_add_unsigned(later.as_secs()))
    }
}

impl Sub<Duration> for UnixTime {
    type Output = Self;

    fn sub(self, earlier: Duration) -> Self {
        Self(self.0.saturating_sub_unsigned(earlier.as_secs()))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

/// A date by its digits, with a clock `08:49:37`.
fn date(year: [u8; 4], month: Month, [d1, d2]: [u8; 2], clock: &[u8]) -> Option<PrimitiveDateTime> {
    let [y1, y2, y3, y4] = year;
    let &[h1, h2, b':', m1, m2, b':', s1, s2] = clock else { return None };
    let year = i32::from(pair(y1, y2)?).wrapping_mul(100).wrapping_add(pair(y3, y4)?.into());
    let date = Date::from_calendar_date(year, month, pair(d1, d2)?).ok()?;
    date.with_hms(pair(h1, h2)?, pair(m1, m2)?, pair(s1, s2)?).ok()
}

/// A number of two digits.
fn pair(tens: u8, ones: u8) -> Option<u8> {
    let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
    digits.then(|| (tens & 0xF).wrapping_mul(10).wrapping_add(ones & 0xF))
}

/// What time it is, on both clocks; an argument wherever the core needs to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it; a third clock would break them")]
pub struct Now {
    /// The monotonic clock: deadlines and back-off.
    pub ticks: Ticks,
    /// The wall clock: signatures and token expiry.
    pub unix: UnixTime,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const HTTP_DATE: &[BorrowedFormatItem<'_>] = format_description!(
    version = 2,
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);
const ISO_8601: &[BorrowedFormatItem<'_>] =
    format_description!(version = 2, "[year]-[month]-[day]T[hour]:[minute]:[second]");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_both_wire_forms() {
        let at = UnixTime::from_secs(784_111_777);
        assert_eq!(at.to_http_date(), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(at.to_iso8601(), "1994-11-06T08:49:37.000Z");
        assert_eq!(UnixTime::parse_http_date(&at.to_http_date()), Some(at));
        assert_eq!(UnixTime::parse_iso8601(&at.to_iso8601()), Some(at));
        assert_eq!(UnixTime::parse_iso8601("1994-11-06T08:49:37Z"), Some(at));
        assert_eq!(UnixTime::parse_iso8601(" 1994-11-06T08:49:37.123456Z "), Some(at));
        let leap_day = UnixTime::parse_iso8601("2024-02-29T23:59:59.000Z");
        assert_eq!(leap_day, Some(UnixTime::from_secs(1_709_251_199)));
    }

    #[test]
    fn every_day_is_read_as_it_is_written() {
        for day in (-200_000_i64..200_000).step_by(97) {
            let at = UnixTime::from_secs(day * 86_400 + day.rem_euclid(86_400));
            assert_eq!(UnixTime::parse_http_date(&at.to_http_date()), Some(at));
            assert_eq!(UnixTime::parse_iso8601(&at.to_iso8601()), Some(at));
        }
    }

    #[test]
    fn refuses_what_is_not_a_date() {
        for text in [
            "",
            "Z",
            "1994-11-06T08:49:37",
            "1994-13-06T08:49:37Z",
            "1994-11-31T08:49:37Z",
            "1994-11-06T24:00:00Z",
            "1994-11-06T08:49:60Z",
            "1994-11-06T08:49:37.Z",
            "1994-11-06T08:49:37.0+Z",
            "1994-11-06T08:49Z",
            "1994-11-06T08:49:37:00Z",
            "1994-11-6T08:49:37Z",
            "+994-11-06T08:49:37Z",
            "1994-11-06 08:49:37Z",
            "Thu Nov  6 08:49:37 1994",
        ] {
            assert_eq!(UnixTime::parse_iso8601(text), None, "{text:?}");
        }
        for text in [
            "",
            "0",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun  06 Nov 1994 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 GMT GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Suné 06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(UnixTime::parse_http_date(text), None, "{text:?}");
        }
    }
}
