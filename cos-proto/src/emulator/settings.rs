//! How an emulator is set up.

use std::time::Duration;

use super::{bucket::valid_name, routing::valid_region};
use crate::{Credentials, Error, ErrorKind};

/// How an emulator is set up.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests write the fields they care about")]
pub struct Settings {
    /// The buckets that exist from the start, each `name-appid`. A bare IP address or `localhost`
    /// as host means the first one.
    pub buckets: Vec<String>,
    /// The region that they are in.
    pub region: String,
    /// Who may sign. The same SecretId may occur several times, with other tokens.
    pub credentials: Vec<Credentials>,
    /// How long it takes until a write or a deletion shows in the lists of objects and uploads;
    /// [`set_uploads_lag`](super::Emulator::set_uploads_lag) has the latter lag differently.
    pub list_lag: Duration,
    /// The least size of a part that is not the last: the service's 1 MiB, or less in simulations.
    pub part_bytes_min: u64,
    /// The most entries of a list's page: the service's 1000, or fewer so that small buckets have
    /// several pages.
    pub page_entries_max: u64,
    /// The share of requests, 0 to 1, that meet a random fault.
    pub fault_rate: f64,
    /// Where ids and random faults start from.
    pub seed: u64,
    /// How far the emulator's clock is ahead (or, negative, behind).
    pub skew_seconds: i64,
    /// What GET does to `Content-Disposition`.
    pub downloads: Downloads,
    /// Where SSE-C keys are accepted.
    pub sse_c: SseCTransport,
}

/// What GET does to `Content-Disposition`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the service does one or the other")]
pub enum Downloads {
    /// It is given back as stored or as overridden.
    #[default]
    AsStored,
    /// A GET of a new bucket by its default domain always says `attachment`, with
    /// `x-cos-force-download: true`.
    Forced,
}

/// Where SSE-C keys are accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third way to connect")]
pub enum SseCTransport {
    /// Everywhere, so that tests can do without TLS.
    #[default]
    Any,
    /// Only in requests marked as [`OverTls`](super::OverTls), as the service does.
    TlsOnly,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            buckets: vec!["examplebucket-1250000000".to_owned()],
            region: "ap-guangzhou".to_owned(),
            credentials: vec![Credentials::new("AKIDEMULATOR", "emulator-secret-key")],
            list_lag: Duration::ZERO,
            part_bytes_min: 1024 * 1024,
            page_entries_max: 1000,
            fault_rate: 0.0,
            seed: 0,
            skew_seconds: 0,
            downloads: Downloads::default(),
            sse_c: SseCTransport::default(),
        }
    }
}

impl Settings {
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] naming the setting, its value and the rule.
    pub(super) fn check(&self) -> Result<(), Error> {
        let refuse = |text| Err(Error::new(ErrorKind::InvalidParameter, text));
        if self.buckets.is_empty() {
            return refuse("emulator buckets: there must be at least one".to_owned());
        }
        if let Some(name) = self.buckets.iter().find(|name| !valid_name(name)) {
            return refuse(format!(
                "emulator bucket {name:?}: must be name-appid, as a-1250000000"
            ));
        }
        if !valid_region(&self.region) {
            return refuse(format!("emulator region {:?}: must be a-z, 0-9 and -", self.region));
        }
        if self.part_bytes_min == 0 {
            return refuse("emulator least part size 0: must be 1 or more".to_owned());
        }
        if !(1..=1000).contains(&self.page_entries_max) {
            let entries = self.page_entries_max;
            return refuse(format!("emulator page size {entries}: must be 1 to 1000"));
        }
        if !(0.0..=1.0).contains(&self.fault_rate) {
            return refuse(format!("emulator fault rate {}: must be 0 to 1", self.fault_rate));
        }
        Ok(())
    }
}
