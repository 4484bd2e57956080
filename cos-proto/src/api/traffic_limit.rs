//! The bandwidth limit of a single connection.

use http::{HeaderMap, HeaderValue};

use super::names;
use crate::Error;

/// How fast COS serves or takes one request, in bit/s (436/34072).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrafficLimit(u32);

impl TrafficLimit {
    /// The lowest limit, 100 KiB/s.
    pub const MIN: u32 = 819_200;
    /// The highest limit, 100 MiB/s.
    pub const MAX: u32 = 838_860_800;

    /// Checks a limit in bit/s: 819200 to 838860800.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`](crate::ErrorKind::InvalidParameter).
    pub fn new(bits_per_second: u32) -> Result<Self, Error> {
        if (Self::MIN..=Self::MAX).contains(&bits_per_second) {
            Ok(Self(bits_per_second))
        } else {
            Err(Error::invalid_parameter(
                "x-cos-traffic-limit",
                &bits_per_second.to_string(),
                "must be 819200 to 838860800 bit/s",
            ))
        }
    }

    /// The limit in bit/s.
    pub fn bits_per_second(self) -> u32 {
        self.0
    }

    pub(crate) fn write(self, headers: &mut HeaderMap) {
        headers.insert(names::TRAFFIC_LIMIT, HeaderValue::from(self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_between_100_kib_and_100_mib_a_second() {
        for bits in [819_200, 838_860_800] {
            assert_eq!(TrafficLimit::new(bits).expect("a limit").bits_per_second(), bits);
        }
        for bits in [0, 819_199, 838_860_801, u32::MAX] {
            let text = TrafficLimit::new(bits).expect_err("out of range").to_string();
            assert!(text.contains("x-cos-traffic-limit") && text.contains("819200"), "{text}");
        }
    }
}
