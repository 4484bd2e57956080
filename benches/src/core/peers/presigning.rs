//! Presigning by OpenDAL, and by rusty-s3 in SigV4.

use std::error::Error;

use opendal::{Operator, services::Cos};
use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle};

use super::ready;
use crate::core::{
    measure::{Race, ensure},
    presigning::EXPIRES,
    sample::{BUCKET, KEY, SECRET_ID, SECRET_KEY},
};

pub(in crate::core) fn presign(race: &mut Race<'_>) -> Result<(), Box<dyn Error>> {
    let operator = opendal()?;
    race.add("OpenDAL", move || {
        let request = ready(operator.presign_read(KEY, EXPIRES))??;
        let query = request.uri().query().unwrap_or_default();
        ensure(query.contains("q-signature=") && request.uri().path().ends_with(KEY), "another URL")
    });
    let endpoint = "https://cos.ap-guangzhou.myqcloud.com".parse()?;
    let bucket = Bucket::new(endpoint, UrlStyle::VirtualHost, BUCKET, "ap-guangzhou")?;
    let credentials = Credentials::new(SECRET_ID, SECRET_KEY);
    race.add("rusty-s3", move || {
        let url = bucket.get_object(Some(&credentials), KEY).sign(EXPIRES);
        ensure(
            url.as_str().contains("X-Amz-Signature=") && url.path().ends_with(KEY),
            "another URL",
        )
    });
    Ok(())
}

fn opendal() -> Result<Operator, Box<dyn Error>> {
    let builder = Cos::default()
        .bucket(BUCKET)
        .endpoint("https://cos.ap-guangzhou.myqcloud.com")
        .secret_id(SECRET_ID)
        .secret_key(SECRET_KEY)
        .disable_config_load();
    Ok(Operator::new(builder)?)
}
