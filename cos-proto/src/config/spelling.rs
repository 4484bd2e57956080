//! How the Go registry spells integers, booleans and durations.

use std::time::Duration;

/// An integer as `strconv.ParseInt(text, 0, 64)` reads it: a sign, the prefixes `0x`, `0o`, `0b`
/// and `0` (octal), and single underscores between digits.
pub(super) fn integer(text: &str) -> Option<i64> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits, prefixed) = radix_of(unsigned);
    // An underscore may follow the prefix but not stand first otherwise.
    let digits = if prefixed { digits.strip_prefix('_').unwrap_or(digits) } else { digits };
    if digits.split('_').any(str::is_empty) {
        return None;
    }
    digits.chars().filter(|&digit| digit != '_').try_fold(0_i64, |value, digit| {
        let digit = i64::from(digit.to_digit(radix)?);
        let shifted = value.checked_mul(i64::from(radix))?;
        if negative { shifted.checked_sub(digit) } else { shifted.checked_add(digit) }
    })
}

fn radix_of(text: &str) -> (u32, &str, bool) {
    let Some(rest) = text.strip_prefix('0').filter(|rest| !rest.is_empty()) else {
        return (10, text, false);
    };
    for (prefix, radix) in [(['x', 'X'], 16), (['o', 'O'], 8), (['b', 'B'], 2)] {
        if let Some(digits) = rest.strip_prefix(prefix) {
            return (radix, digits, true);
        }
    }
    (8, rest, true)
}

/// A boolean as `strconv.ParseBool` reads it.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// A duration that is not negative: whole seconds, or as `time.ParseDuration` reads it (`300ms`,
/// `1m30s`, `1.5h`).
pub(super) fn duration(text: &str) -> Option<Duration> {
    if let Some(seconds) = integer(text) {
        return u64::try_from(seconds).ok().map(Duration::from_secs);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() {
        return None;
    }
    let mut nanos = 0_u64;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at_checked(number_end)?;
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit_end)?;
        nanos = nanos.checked_add(scaled(number, nanos_of(unit)?)?)?;
        rest = after;
    }
    Some(Duration::from_nanos(nanos))
}

fn nanos_of(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// A decimal number of units, in nanoseconds; a fraction of a nanosecond is dropped.
fn scaled(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()? };
    let mut total = whole.checked_mul(unit)?;
    let mut digit_worth = unit;
    for digit in fraction.chars() {
        let digit = u64::from(digit.to_digit(10)?);
        // In tenths, so that 0.05 of a unit is not rounded down digit by digit.
        total = total.checked_add(digit_worth.checked_mul(digit)? / 10)?;
        digit_worth /= 10;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_as_go_reads_them_with_base_zero() {
        for (text, value) in [
            ("0", 0),
            ("10", 10),
            ("+10", 10),
            ("-1", -1),
            ("0x1000000", 16_777_216),
            ("0X10", 16),
            ("0o17", 15),
            ("017", 15),
            ("0b101", 5),
            ("16_777_216", 16_777_216),
            ("0x_ff", 255),
            ("0_7", 7),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(integer(text), Some(value), "{text}");
        }
        for text in [
            "",
            "-",
            "+",
            " 1",
            "1 ",
            "1.0",
            "1e3",
            "09",
            "0x",
            "_1",
            "1_",
            "1__0",
            "0xg",
            "--1",
            "ten",
            "9223372036854775808",
            "5MB",
        ] {
            assert_eq!(integer(text), None, "{text}");
        }
    }

    #[test]
    fn booleans_as_go_reads_them() {
        for text in ["1", "t", "T", "TRUE", "true", "True"] {
            assert_eq!(boolean(text), Some(true), "{text}");
        }
        for text in ["0", "f", "F", "FALSE", "false", "False"] {
            assert_eq!(boolean(text), Some(false), "{text}");
        }
        for text in ["", "yes", "no", "on", "off", "tRUE", " true", "2"] {
            assert_eq!(boolean(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_seconds_or_as_go_reads_them() {
        for (text, millis) in [
            ("30", 30_000),
            ("30s", 30_000),
            ("1m30s", 90_000),
            ("500ms", 500),
            ("1.5h", 5_400_000),
            (".5s", 500),
            ("1.s", 1_000),
            ("+2s", 2_000),
            ("1h2m3.005s", 3_723_005),
            ("0", 0),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(duration("7us"), Some(Duration::from_micros(7)));
        assert_eq!(duration("7\u{b5}s9ns"), Some(Duration::from_nanos(7_009)));
        for text in
            ["", "s", "-1s", "-1", "1d", "1 s", "1s ", ".s", "1.2.3s", "1s2", "999999999h", "+"]
        {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
