//! Access control lists of buckets and objects (COS product pages 436/7733 and 436/7744).

use super::{
    errors::{Code, Refusal, invalid},
    reply::Reply,
    request::Request,
    world::World,
    xml::{Document, Element},
};

/// Every user of the Internet, as a grantee.
const ALL_USERS: &str = "http://cam.qcloud.com/groups/global/AllUsers";
const AUTHENTICATED: &str = "http://cam.qcloud.com/groups/global/AuthenticatedUsers";

/// The predefined rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Canned {
    /// Of an object: as the bucket says.
    Default,
    Private,
    PublicRead,
    PublicReadWrite,
    AuthenticatedRead,
}

impl Canned {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "default" => Self::Default,
            "private" => Self::Private,
            "public-read" => Self::PublicRead,
            "public-read-write" => Self::PublicReadWrite,
            "authenticated-read" => Self::AuthenticatedRead,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Private => "private",
            Self::PublicRead => "public-read",
            Self::PublicReadWrite => "public-read-write",
            Self::AuthenticatedRead => "authenticated-read",
        }
    }
}

/// Who may do what besides the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Acl {
    pub(super) canned: Canned,
    /// (id, permission)
    grants: Vec<(String, String)>,
}

impl Acl {
    pub(super) fn private() -> Self {
        Self { canned: Canned::Private, grants: Vec::new() }
    }

    /// That of an object which does not say.
    pub(super) fn inherited() -> Self {
        Self { canned: Canned::Default, grants: Vec::new() }
    }

    /// From `x-cos-acl` and `x-cos-grant-*`; `otherwise` if there are none.
    pub(super) fn of(request: &Request<'_>, otherwise: Self) -> Result<Self, Refusal> {
        let mut acl = otherwise;
        if let Some(text) = request.header("x-cos-acl") {
            acl.canned =
                Canned::parse(text).ok_or_else(|| invalid(format!("x-cos-acl {text:?}")))?;
        }
        for (suffix, permission) in [
            ("read", "READ"),
            ("write", "WRITE"),
            ("read-acp", "READ_ACP"),
            ("write-acp", "WRITE_ACP"),
            ("full-control", "FULL_CONTROL"),
        ] {
            let Some(text) = request.header(&format!("x-cos-grant-{suffix}")) else { continue };
            for grantee in text.split(',') {
                let id = grantee.trim().strip_prefix("id=").map(|id| id.trim_matches('"'));
                let id = id.filter(|id| !id.is_empty()).ok_or_else(|| {
                    invalid(format!("x-cos-grant-{suffix} {text:?} must be id=\"…\""))
                })?;
                acl.grants.push((id.to_owned(), permission.to_owned()));
            }
        }
        Ok(acl)
    }

    /// From a document.
    fn read(request: &Request<'_>) -> Result<Self, Refusal> {
        let policy = Element::read(&request.body, "AccessControlPolicy")?;
        let list = policy.child("AccessControlList").ok_or(Code::MalformedXml)?;
        let mut acl = Self::private();
        for grant in list.all("Grant") {
            let grantee = grant.child("Grantee").ok_or(Code::MalformedXml)?;
            let permission = grant.value("Permission").ok_or(Code::MalformedXml)?;
            match (grantee.value("URI"), grantee.value("ID"), permission) {
                (Some(ALL_USERS), _, "READ") if acl.canned == Canned::Private => {
                    acl.canned = Canned::PublicRead;
                }
                (Some(ALL_USERS), _, "READ") => {}
                (Some(ALL_USERS), _, "WRITE" | "FULL_CONTROL") => {
                    acl.canned = Canned::PublicReadWrite;
                }
                (Some(AUTHENTICATED), _, "READ") => acl.canned = Canned::AuthenticatedRead,
                (Some(uri), ..) => return Err(invalid(format!("grantee {uri:?}"))),
                (None, Some(id), _) => acl.grants.push((id.to_owned(), permission.to_owned())),
                (None, None, _) => return Err(Code::MalformedXml.into()),
            }
        }
        Ok(acl)
    }

    /// Whether strangers may read; `None` leaves it to the bucket.
    pub(super) fn reads(&self) -> Option<bool> {
        match self.canned {
            Canned::Default => None,
            Canned::PublicRead | Canned::PublicReadWrite => Some(true),
            Canned::Private | Canned::AuthenticatedRead => Some(false),
        }
    }

    /// Whether strangers may write.
    pub(super) fn writes(&self) -> bool {
        self.canned == Canned::PublicReadWrite
    }

    fn reply(&self, owner: &str) -> Reply {
        let mut document = Document::new("AccessControlPolicy");
        document.open("Owner").leaf("ID", owner).leaf("DisplayName", owner).close();
        document.open("AccessControlList");
        let mut grant = |kind: &str, element: &'static str, name: &str, permission: &str| {
            document.open("Grant");
            document.open_with(
                "Grantee",
                &format!(
                    "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"{kind}\""
                ),
            );
            document.leaf(element, name);
            if element == "ID" {
                document.leaf("DisplayName", name);
            }
            document.close().leaf("Permission", permission).close();
        };
        grant("CanonicalUser", "ID", owner, "FULL_CONTROL");
        for (id, permission) in &self.grants {
            grant("CanonicalUser", "ID", id, permission);
        }
        match self.canned {
            Canned::Default | Canned::Private => {}
            Canned::PublicRead => grant("Group", "URI", ALL_USERS, "READ"),
            Canned::AuthenticatedRead => grant("Group", "URI", AUTHENTICATED, "READ"),
            Canned::PublicReadWrite => {
                grant("Group", "URI", ALL_USERS, "READ");
                grant("Group", "URI", ALL_USERS, "WRITE");
            }
        }
        Reply::xml(document).header("x-cos-acl", self.canned.name())
    }
}

pub(super) fn get_object(world: &World, request: &Request<'_>) -> Result<Reply, Refusal> {
    let object = world.bucket(request.bucket())?.object(request.key())?;
    Ok(object.acl.reply(&owner(request.bucket())))
}

pub(super) fn put_object(world: &mut World, request: &Request<'_>) -> Result<Reply, Refusal> {
    let acl = given(request)?;
    let (bucket, _) = world.change(request)?;
    bucket.object_mut(request.key())?.acl = acl;
    Ok(Reply::ok())
}

pub(super) fn get_bucket(world: &World, request: &Request<'_>) -> Result<Reply, Refusal> {
    Ok(world.bucket(request.bucket())?.acl.reply(&owner(request.bucket())))
}

pub(super) fn put_bucket(world: &mut World, request: &Request<'_>) -> Result<Reply, Refusal> {
    let acl = given(request)?;
    if acl.canned == Canned::Default {
        return Err(invalid("a bucket's ACL cannot be default"));
    }
    world.change(request)?.0.acl = acl;
    Ok(Reply::ok())
}

fn given(request: &Request<'_>) -> Result<Acl, Refusal> {
    super::headers::check_digest(request)?;
    if request.body.body.is_empty() {
        let by_header = request
            .headers
            .keys()
            .any(|name| name.as_str() == "x-cos-acl" || name.as_str().starts_with("x-cos-grant-"));
        if !by_header {
            return Err(Code::MalformedXml.into());
        }
        return Acl::of(request, Acl::private());
    }
    Acl::read(request)
}

/// The owner of a bucket as ACLs name it.
pub(super) fn owner(bucket: &str) -> String {
    let appid = appid(bucket);
    format!("qcs::cam::uin/{appid}:uin/{appid}")
}

/// What comes after the last `-` of a bucket's name.
pub(super) fn appid(bucket: &str) -> &str {
    bucket.rsplit_once('-').map_or(bucket, |(_, appid)| appid)
}
