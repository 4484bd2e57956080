//! Names of buckets, regions and hosts.

use std::{fmt, str::FromStr};

use http::{Uri, uri::Scheme};

use crate::{Error, Key, encode::encode_source_into};

/// A bucket's full name, `name-appid`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bucket(String);

impl Bucket {
    /// Checks a bucket's name: `^[a-z0-9]([a-z0-9-]*[a-z0-9])?-[0-9]+$`, at most 63 bytes, the
    /// longest label of a host.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`](crate::ErrorKind::InvalidParameter) naming `bucket`.
    pub fn new(name: &str) -> Result<Self, Error> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let valid = name.len() <= 63
            && name.rsplit_once('-').is_some_and(|(short, appid)| {
                !short.is_empty()
                    && !short.starts_with('-')
                    && !short.ends_with('-')
                    && short.bytes().all(|byte| plain(byte) || byte == b'-')
                    && !appid.is_empty()
                    && appid.bytes().all(|byte| byte.is_ascii_digit())
            });
        if valid {
            Ok(Self(name.to_owned()))
        } else {
            Err(Error::invalid_parameter(
                "bucket",
                name,
                "must be name-appid: lower-case letters, digits and '-', then '-' and the APPID",
            ))
        }
    }

    /// The full name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A region, such as `ap-guangzhou`. Unknown names are accepted: COS adds regions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Region(String);

impl Region {
    /// Checks a region's name: `^[a-z0-9-]+$`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`](crate::ErrorKind::InvalidParameter) naming `region`.
    pub fn new(name: &str) -> Result<Self, Error> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !name.is_empty() && name.len() <= 63 && name.bytes().all(plain) {
            Ok(Self(name.to_owned()))
        } else {
            Err(Error::invalid_parameter(
                "region",
                name,
                "must be lower-case letters, digits and '-', such as ap-guangzhou",
            ))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The base URL of the bucket's host: `https://host` or `http://host:port`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    scheme: Scheme,
    authority: String,
}

impl Endpoint {
    /// The bucket's default host (436/6224): `<bucket>.cos.<region>.myqcloud.com`.
    pub fn of(bucket: &Bucket, region: &Region, secure: bool) -> Self {
        let scheme = if secure { Scheme::HTTPS } else { Scheme::HTTP };
        Self { scheme, authority: format!("{bucket}.cos.{region}.myqcloud.com") }
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Whether requests go by HTTPS.
    pub fn is_secure(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// `host` or `host:port`, without the scheme's own port.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl FromStr for Endpoint {
    type Err = String;

    /// Reads `http://host[:port]` or `https://host[:port]`; the error is the rule that is broken.
    fn from_str(text: &str) -> Result<Self, String> {
        const RULE: &str = "must be http://host[:port] or https://host[:port]";
        let uri: Uri = text.parse().map_err(|error| format!("{RULE}: {error}"))?;
        let scheme = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS => scheme.clone(),
            _ => return Err(RULE.to_owned()),
        };
        let authority = uri.authority().ok_or(RULE)?;
        if authority.as_str().contains('@') {
            return Err(format!("{RULE}, without user information"));
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(format!("{RULE}, without path and query"));
        }
        let (host, port) = (authority.host().to_ascii_lowercase(), authority.as_str());
        // `Uri` takes `http://:80` for one with an authority.
        if host.is_empty() {
            return Err(format!("{RULE}, with a host"));
        }
        // `Authority::port` takes a port out of range for none.
        let port = match port.get(host.len()..).unwrap_or_default() {
            "" => None,
            port => match port.trim_start_matches(':').parse::<u16>() {
                Ok(port @ 1..) => Some(port),
                _ => return Err(format!("{RULE}, with a port of 1 to 65535")),
            },
        };
        let default_port = if scheme == Scheme::HTTPS { 443 } else { 80 };
        let authority = match port {
            Some(port) if port != default_port => format!("{host}:{port}"),
            _ => host,
        };
        Ok(Self { scheme, authority })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}://{}", self.scheme, self.authority)
    }
}

/// The object that a copy reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CopySource {
    /// The session's own bucket unless given.
    bucket: Option<(Bucket, Region)>,
    key: Key,
    version_id: Option<String>,
}

impl CopySource {
    /// An object in the session's bucket.
    pub fn new(key: Key) -> Self {
        Self { bucket: None, key, version_id: None }
    }

    /// An object in another bucket.
    #[must_use]
    pub fn in_bucket(mut self, bucket: Bucket, region: Region) -> Self {
        self.bucket = Some((bucket, region));
        self
    }

    /// One version of it.
    #[must_use]
    pub fn version(mut self, version_id: impl Into<String>) -> Self {
        self.version_id = Some(version_id.into());
        self
    }

    /// The source's key.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The bucket and its region, if it is another than the session's.
    pub fn bucket(&self) -> Option<(&Bucket, &Region)> {
        self.bucket.as_ref().map(|(bucket, region)| (bucket, region))
    }

    /// The version, if one was named.
    pub fn version_id(&self) -> Option<&str> {
        self.version_id.as_deref()
    }

    /// The value of `x-cos-copy-source` (436/10881): the source's host and encoded key, without a
    /// scheme. Always COS's own host name: an endpoint of ours may be one that only we know.
    pub(crate) fn header(&self, bucket: &Bucket, region: &Region) -> String {
        let (bucket, region) =
            self.bucket.as_ref().map_or((bucket, region), |(bucket, region)| (bucket, region));
        let mut value = format!("{bucket}.cos.{region}.myqcloud.com/");
        encode_source_into(&mut value, self.key.as_str());
        if let Some(version) = &self.version_id {
            value.push_str("?versionId=");
            encode_source_into(&mut value, version);
        }
        value
    }
}

impl From<Key> for CopySource {
    fn from(key: Key) -> Self {
        Self::new(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_end_in_the_appid() {
        for name in ["a-1", "examplebucket-1250000000", "a-b-1250000000", "1-2"] {
            assert!(Bucket::new(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "bucket",
            "-1",
            "a-",
            "A-1",
            "a_b-1",
            "-a-1",
            "a--1x",
            &format!("{}-1", "a".repeat(62)),
        ] {
            let error = Bucket::new(name).expect_err(name).to_string();
            assert!(error.contains("bucket") && error.contains("name-appid"), "{error}");
        }
    }

    #[test]
    fn endpoints_keep_their_port_and_refuse_more_than_a_host() {
        for (text, shown) in [
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("https://H.example.com/", "https://h.example.com"),
            ("https://h:443", "https://h"),
            ("http://h:443", "http://h:443"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(text.parse::<Endpoint>().expect(text).to_string(), shown);
        }
        for text in [
            "",
            "h",
            "ftp://h",
            "http://h/p",
            "http://h?q",
            "http://u@h",
            "http://h:0",
            "http://h:99999",
            "http://:80",
            "https://:8443/",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn copy_sources_name_the_production_host() {
        let bucket = Bucket::new("b-1").expect("bucket");
        let region = Region::new("ap-x").expect("region");
        let source = CopySource::new(Key::new("a b/照").expect("key"));
        assert_eq!(
            source.clone().version("v+1").header(&bucket, &region),
            "b-1.cos.ap-x.myqcloud.com/a%20b/%E7%85%A7?versionId=v%2B1"
        );
        let elsewhere = source
            .in_bucket(Bucket::new("c-2").expect("bucket"), Region::new("r").expect("region"));
        assert_eq!(elsewhere.header(&bucket, &region), "c-2.cos.r.myqcloud.com/a%20b/%E7%85%A7");
    }
}
