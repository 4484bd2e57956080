//! Presigning a URL.

use std::{error::Error, time::Duration};

use cos_proto::{Presign, Session};
use http::Method;

use super::{
    OURS,
    measure::{Effort, Race, ensure},
    sample::{self, NOW},
};
use crate::row::{Bound, Row, Rows};

pub(super) const EXPIRES: Duration = Duration::from_mins(20);

/// Presigns GET of a blob.
#[derive(Debug)]
pub struct Presigner {
    session: Session,
    presign: Presign,
}

impl Presigner {
    pub fn new() -> Result<Self, Box<dyn Error>> {
        let presign = Presign::new(Method::GET, sample::key()?).expires(EXPIRES);
        Ok(Self { session: sample::session()?, presign })
    }

    /// The URL.
    pub fn presign(&self) -> Result<String, Box<dyn Error>> {
        let url = self.session.presign(NOW.unix, &self.presign)?;
        Ok(url.as_str().to_owned())
    }

    fn length(&self) -> Result<usize, Box<dyn Error>> {
        Ok(self.session.presign(NOW.unix, &self.presign)?.as_str().len())
    }
}

pub fn rows(effort: Effort) -> Rows {
    let presigner = Presigner::new()?;
    let length = presigner.presign()?.len();
    let mut race = Race::new(effort);
    race.add(OURS, || ensure(presigner.length()? == length, "another URL"));
    #[cfg(feature = "peers")]
    super::peers::presign(&mut race)?;
    let costs = race.run()?;

    let ours = costs.of(OURS)?;
    let mut time = Row::new("presign GET", "ns", ours.nanoseconds);
    let mut memory = Row::new("… its allocations", "", ours.allocations);
    if let Some(opendal) = costs.get("OpenDAL") {
        let ratio = opendal.nanoseconds / ours.nanoseconds;
        time = time.peer("OpenDAL", opendal.nanoseconds).target(
            "OpenDAL / ours",
            ratio,
            Bound::AtLeast(4.0),
        );
        memory = memory.peer("OpenDAL", opendal.allocations);
    }
    let mut rows = vec![time, memory];
    if let Some(s3) = costs.get("rusty-s3") {
        rows.push(
            Row::new("… beside SigV4", "ns", ours.nanoseconds)
                .peer("rusty-s3", s3.nanoseconds)
                .target("rusty-s3 / ours", s3.nanoseconds / ours.nanoseconds, Bound::Info),
        );
    }
    Ok(rows)
}
