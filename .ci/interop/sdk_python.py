"""Drives the unpatched cos-python-sdk-v5 against an emulator, one case per call of COS.

Usage: sdk_python.py WAY URL FOLDER. WAY is how the SDK reaches the emulator at URL; FOLDER is
scratch. Prints `case<TAB>result` lines, where the result is ok, `- reason` for a case that this
way cannot have, or `FAIL reason`.
"""

import base64
import hashlib
import io
import logging
import os
import socket
import sys
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request

import crcmod
from qcloud_cos import CosConfig, CosS3Client, CosServiceError

from common import BUCKET, REGION, SECRET_ID, SECRET_KEY, SPECIAL_KEYS, SUFFIX, TOKEN, content

logging.disable(logging.CRITICAL)

WAY, URL, FOLDER = sys.argv[1:4]
SCHEME, AUTHORITY = URL.split("://")
ADDRESS, PORT = AUTHORITY.split(":")
MIB = 1 << 20
OTHER = "interop-other-1250000000"
PRODUCTION = f"cos.{REGION}.myqcloud.com"


class Skip(Exception):
    """This way of reaching the emulator cannot express the case."""


def resolve_to_emulator():
    """Answers names below SUFFIX with the emulator's address, as a hosts file would."""
    real = socket.getaddrinfo

    def getaddrinfo(host, *rest, **named):
        return real(ADDRESS if host.endswith(SUFFIX) else host, *rest, **named)

    socket.getaddrinfo = getaddrinfo


def client(retry=3, **changed):
    options = dict(
        Region=REGION, SecretId=SECRET_ID, SecretKey=SECRET_KEY, Scheme=SCHEME, Token=None,
        EnableOldDomain=True, AutoSwitchDomainOnRetry=False,
    )
    if WAY == "token":
        options["Token"] = TOKEN
    if WAY in ("address", "token"):
        options.update(IP=ADDRESS, Port=int(PORT))
    elif WAY == "https":
        options.update(IP=ADDRESS, Port=int(PORT), VerifySSL=os.environ["INTEROP_CERTIFICATE"])
    elif WAY == "proxy":
        options.update(Proxies={"http": URL})
    elif WAY == "suffix":
        options.update(Endpoint=f"{SUFFIX}:{PORT}", ServiceDomain=f"service.{SUFFIX}:{PORT}")
    elif WAY == "bare":
        options.update(Domain=AUTHORITY, ServiceDomain=AUTHORITY)
    else:
        raise ValueError(WAY)
    options.update(changed)
    if options.get("Anonymous"):
        del options["SecretId"], options["SecretKey"]
    return CosS3Client(CosConfig(**options), retry=retry)


COS = client()
CASES = []


def case(function):
    CASES.append(function)
    return function


def equal(found, expected, what=""):
    assert found == expected, f"{what} {found!r} is not {expected!r}"[:400]


def fails(status, code, call, *arguments, **named):
    """The call is refused so, with all that the SDK's error parser needs."""
    try:
        call(*arguments, **named)
    except CosServiceError as error:
        equal((error.get_status_code(), error.get_error_code()), (status, code))
        digest = error.get_digest_msg()
        assert all(digest[name] for name in ("code", "message", "resource", "requestid")), digest
        return error
    raise AssertionError(f"{code} expected, but it succeeded")


def read(response):
    body = b"".join(response["Body"].get_stream(1 << 16))
    return body


def get(key, **named):
    return read(COS.get_object(BUCKET, key, **named))


def put(key, body, **named):
    return COS.put_object(Bucket=BUCKET, Key=key, Body=body, **named)


def etag(body):
    return '"' + hashlib.md5(body).hexdigest() + '"'


CRC64 = crcmod.mkCrcFun(0x142F0E1EBA9EA3693, initCrc=0, xorOut=0xFFFFFFFFFFFFFFFF, rev=True)


def crc(body):
    return str(CRC64(body))


def source(key):
    return {"Bucket": BUCKET, "Key": key, "Region": REGION}


def sized_source(key):
    """For calls that ask the source's own host for its size, past IP, Port and Domain."""
    if WAY == "proxy":
        return source(key)
    return {"Bucket": BUCKET, "Key": key, "Endpoint": f"{SUFFIX}:{PORT}"}


def fetch(url, method="GET", body=None, headers=None):
    """With a plain HTTP client; through the same door as the SDK."""
    parts = urllib.parse.urlsplit(url)
    handlers = [urllib.request.ProxyHandler({"http": URL} if WAY == "proxy" else {})]
    if SCHEME == "https":
        import ssl
        context = ssl.create_default_context(cafile=os.environ["INTEROP_CERTIFICATE"])
        handlers.append(urllib.request.HTTPSHandler(context=context))
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    if WAY in ("address", "https", "token"):
        # The SDK signs the production host, although the URL has the address.
        request.add_header("Host", f"{BUCKET}.{PRODUCTION}")
    if body is not None and not request.has_header("Content-type"):
        request.add_header("Content-Type", "application/octet-stream")
    assert parts.scheme == SCHEME
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def upload(key, parts, **named):
    """A multipart upload, not completed: its id and the list for Complete."""
    upload_id = COS.create_multipart_upload(BUCKET, key, **named)["UploadId"]
    done = []
    for number, part in enumerate(parts, 1):
        answer = COS.upload_part(BUCKET, key, part, number, upload_id)
        equal((answer["ETag"], answer["x-cos-hash-crc64ecma"]), (etag(part), crc(part)))
        done.append({"PartNumber": number, "ETag": answer["ETag"]})
    return upload_id, done


@case
def put_get_head():
    body = content(100_000)
    answer = put("basic", body)
    equal((answer["ETag"], answer["x-cos-hash-crc64ecma"]), (etag(body), crc(body)))
    assert answer["x-cos-request-id"] and answer["Server"] == "tencent-cos"
    equal(get("basic"), body)
    head = COS.head_object(BUCKET, "basic")
    equal((head["Content-Length"], head["ETag"]), ("100000", etag(body)))
    equal(head["x-cos-hash-crc64ecma"], crc(body))
    assert "x-cos-storage-class" not in head
    put("basic", b"")
    equal(get("basic"), b"")
    fails(404, "NoSuchResource", COS.head_object, BUCKET, "basic-absent")
    equal(COS.object_exists(BUCKET, "basic-absent"), False)


@case
def put_streamed():
    # An iterator is sent chunked, without a Content-Length.
    chunks = [content(70_000), content(5)]
    put("streamed", iter(chunks))
    equal(get("streamed"), b"".join(chunks))
    put("streamed", io.BytesIO(chunks[0]))
    equal(get("streamed"), chunks[0])


@case
def range_get():
    body = content(1000)
    put("range", body)
    for given, expected in [
        ("bytes=0-99", body[:100]), ("bytes=990-", body[990:]), ("bytes=-10", body[-10:]),
        ("bytes=500-5000", body[500:]), ("bytes=0-0", body[:1]),
    ]:
        answer = COS.get_object(BUCKET, "range", Range=given)
        equal(read(answer), expected, given)
        equal(answer["x-cos-hash-crc64ecma"], crc(body))
        assert answer["Content-Range"].endswith("/1000")
    fails(416, "InvalidRange", COS.get_object, BUCKET, "range", Range="bytes=1000-")


@case
def conditional_get():
    body = content(10)
    tag = put("conditional", body)["ETag"]
    equal(get("conditional", IfMatch=tag), body)
    fails(412, "PreconditionFailed", COS.get_object, BUCKET, "conditional", IfMatch='"0"')
    past, future = "Mon, 01 Jan 2018 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
    equal(get("conditional", IfModifiedSince=past), body)
    equal(get("conditional", IfUnmodifiedSince=future), body)
    fails(412, "PreconditionFailed", COS.get_object, BUCKET, "conditional", IfUnmodifiedSince=past)
    # The SDK takes a 304 for a success without a body.
    answer = COS.head_object(BUCKET, "conditional", IfNoneMatch=tag)
    assert "Content-Range" not in answer


@case
def response_overrides():
    put("overrides", b"x", ContentType="text/plain")
    answer = COS.get_object(
        BUCKET, "overrides", ResponseContentType="text/html; charset=utf-8",
        ResponseContentLanguage="de", ResponseExpires="Fri, 01 Jan 2100 00:00:00 GMT",
        ResponseCacheControl="no-cache", ResponseContentDisposition='attachment; filename="a b"',
        ResponseContentEncoding="identity",
    )
    equal(answer["Content-Type"], "text/html; charset=utf-8")
    equal((answer["Content-Language"], answer["Cache-Control"]), ("de", "no-cache"))
    equal(answer["Content-Disposition"], 'attachment; filename="a b"')
    equal(answer["Content-Encoding"], "identity")


@case
def metadata():
    put(
        "metadata", b"x", ContentType="text/x-interop", CacheControl="max-age=60",
        ContentDisposition="inline", ContentEncoding="identity",
        Expires="Fri, 01 Jan 2100 00:00:00 GMT",
        Metadata={"x-cos-meta-colour": "blue", "x-cos-meta-long": "a b+c%20"},
    )
    for head in (COS.head_object(BUCKET, "metadata"), COS.get_object(BUCKET, "metadata")):
        equal(head["Content-Type"], "text/x-interop")
        equal((head["Cache-Control"], head["Content-Disposition"]), ("max-age=60", "inline"))
        equal((head["Content-Encoding"], head["Expires"]),
              ("identity", "Fri, 01 Jan 2100 00:00:00 GMT"))
        equal((head["x-cos-meta-colour"], head["x-cos-meta-long"]), ("blue", "a b+c%20"))
    changed = dict(ContentType="text/y", Metadata={"x-cos-meta-colour": "red"})
    if WAY == "bare":
        # The SDK's own call needs a region, which a client with a domain does not keep.
        COS.copy_object(BUCKET, "metadata", source("metadata"), "Replaced", **changed)
    else:
        COS.update_object_meta(BUCKET, "metadata", **changed)
    head = COS.head_object(BUCKET, "metadata")
    equal((head["Content-Type"], head["x-cos-meta-colour"]), ("text/y", "red"))
    assert "x-cos-meta-long" not in head


@case
def storage_class():
    put("class", b"x", StorageClass="STANDARD_IA")
    equal(COS.head_object(BUCKET, "class")["x-cos-storage-class"], "STANDARD_IA")
    equal(COS.list_objects(BUCKET, Prefix="class")["Contents"][0]["StorageClass"], "STANDARD_IA")
    if WAY == "bare":
        COS.copy_object(BUCKET, "class", source("class"), "Replaced", StorageClass="STANDARD")
    else:
        COS.change_object_storage_class(BUCKET, "class", "STANDARD")
    assert "x-cos-storage-class" not in COS.head_object(BUCKET, "class")


@case
def server_side_encryption():
    answer = put("sse-cos", b"secret", ServerSideEncryption="AES256")
    equal(answer["x-cos-server-side-encryption"], "AES256")
    equal(COS.head_object(BUCKET, "sse-cos")["x-cos-server-side-encryption"], "AES256")
    context = base64.b64encode(b'{"a":"b"}').decode()
    answer = put("sse-kms", b"secret", ServerSideEncryption="cos/kms", SSEKMSKeyId="key-1",
                 SSEKMSContext=context)
    equal(answer["x-cos-server-side-encryption"], "cos/kms")
    equal(answer["x-cos-server-side-encryption-cos-kms-key-id"], "key-1")
    key = b"0123456789abcdef0123456789abcdef"
    customer = dict(
        SSECustomerAlgorithm="AES256", SSECustomerKey=base64.b64encode(key).decode(),
        SSECustomerKeyMD5=base64.b64encode(hashlib.md5(key).digest()).decode(),
    )
    answer = put("sse-c", b"secret", **customer)
    equal(answer["x-cos-server-side-encryption-customer-algorithm"], "AES256")
    equal(get("sse-c", **customer), b"secret")
    try:
        COS.get_object(BUCKET, "sse-c")
    except CosServiceError as error:
        assert error.get_status_code() in (400, 403)
    else:
        raise AssertionError("an SSE-C object was read without its key")


@case
def forbid_overwrite():
    forbid = {"x-cos-forbid-overwrite": "true"}
    put("forbid", b"first", Metadata=forbid)
    fails(409, "FileAlreadyExists", put, "forbid", b"second", Metadata=forbid)
    equal(get("forbid"), b"first")
    put("forbid", b"third", Metadata={"x-cos-forbid-overwrite": "false"})
    equal(get("forbid"), b"third")


@case
def content_md5():
    put("md5", b"hello", EnableMD5=True)
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    fails(400, "BadDigest", put, "md5", b"changed", ContentMD5=wrong)
    fails(400, "InvalidDigest", put, "md5", b"changed", ContentMD5="short")
    equal(get("md5"), b"hello")


@case
def traffic_limit():
    put("limit", b"x", TrafficLimit="819200")
    equal(get("limit", TrafficLimit="838860800"), b"x")
    fails(400, "InvalidArgument", put, "limit", b"x", TrafficLimit="1")


@case
def delete():
    put("delete", b"x")
    COS.delete_object(BUCKET, "delete")
    fails(404, "NoSuchKey", COS.get_object, BUCKET, "delete")
    COS.delete_object(BUCKET, "delete")


@case
def delete_multiple():
    keys = ["batch/a", "batch/ü & <b>", "batch/c d+e%"]
    for key in keys:
        put(key, b"x")
    objects = [{"Key": key} for key in [*keys, "batch/absent"]]
    answer = COS.delete_objects(BUCKET, {"Quiet": "false", "Object": objects})
    equal(sorted(deleted["Key"] for deleted in answer["Deleted"]), sorted([*keys, "batch/absent"]))
    equal("Contents" in COS.list_objects(BUCKET, Prefix="batch/"), False)
    put("batch/one", b"x")
    answer = COS.delete_objects(BUCKET, {"Quiet": "true", "Object": [{"Key": "batch/one"}]})
    assert not answer or ("Deleted" not in answer and "Error" not in answer), answer


@case
def copy():
    body = content(5000)
    put("copy/source ü+%", body, ContentType="text/x-a", Metadata={"x-cos-meta-a": "1"})
    answer = COS.copy_object(BUCKET, "copy/target", source("copy/source ü+%"))
    equal((answer["ETag"], answer["CRC64"]), (etag(body), crc(body)))
    head = COS.head_object(BUCKET, "copy/target")
    equal((head["Content-Type"], head["x-cos-meta-a"]), ("text/x-a", "1"))
    COS.copy_object(BUCKET, "copy/target", source("copy/source ü+%"), CopyStatus="Replaced",
                    ContentType="text/x-b")
    head = COS.head_object(BUCKET, "copy/target")
    equal((head["Content-Type"], "x-cos-meta-a" in head), ("text/x-b", False))
    equal(get("copy/target"), body)
    equal(COS.copy(BUCKET, "copy/simple", sized_source("copy/target"))["ETag"], etag(body))
    fails(412, "PreconditionFailed", COS.copy_object, BUCKET, "copy/no", source("copy/target"),
          CopySourceIfMatch='"0"')
    try:
        COS.copy_object(BUCKET, "copy/no", source("copy/absent"))
    except CosServiceError as error:
        equal(error.get_status_code(), 404)
    else:
        raise AssertionError("a copy of nothing succeeded")


@case
def copy_multipart():
    body = content(4 * MIB + 7)
    put("copy-big/source", body)
    big = client()
    big._conf.set_copy_part_threshold_size(1)
    big.copy(BUCKET, "copy-big/target", sized_source("copy-big/source"), PartSize=1,
             StorageClass="STANDARD_IA")
    equal(get("copy-big/target"), body)
    head = COS.head_object(BUCKET, "copy-big/target")
    equal((head["x-cos-storage-class"], head["x-cos-hash-crc64ecma"]), ("STANDARD_IA", crc(body)))
    upload_id = COS.create_multipart_upload(BUCKET, "copy-big/by-hand")["UploadId"]
    copied = COS.upload_part_copy(BUCKET, "copy-big/by-hand", 1, upload_id,
                                  source("copy-big/source"), f"bytes=5-{MIB + 4}")
    equal(copied["CRC64"], crc(body[5:MIB + 5]))
    COS.complete_multipart_upload(BUCKET, "copy-big/by-hand", upload_id,
                                  {"Part": [{"PartNumber": 1, "ETag": copied["ETag"]}]})
    equal(get("copy-big/by-hand"), body[5:MIB + 5])


@case
def list_objects():
    names = ["a", "b/1", "b/2", "c d", "e+f", "g%41h", "ü", "z/x/y"]
    for name in names:
        put(f"list/{name}", name.encode())
    listed = COS.list_objects(BUCKET, Prefix="list/")
    ordered = sorted((f"list/{name}" for name in names), key=str.encode)
    equal([entry["Key"] for entry in listed["Contents"]], ordered)
    first = listed["Contents"][0]
    equal((first["Size"], first["ETag"], first["StorageClass"]), ("1", etag(b"a"), "STANDARD"))
    assert first["LastModified"].endswith("Z") and first["Owner"]["ID"]
    equal((listed["IsTruncated"], listed["Prefix"], listed["MaxKeys"]), ("false", "list/", "1000"))
    raw = COS.list_objects(BUCKET, Prefix="list/c", EncodingType="url")
    equal(raw["Contents"][0]["Key"], "list/c%20d")
    empty = COS.list_objects(BUCKET, Prefix="list-nothing/")
    assert "Contents" not in empty


@case
def list_with_delimiter():
    for name in ["a", "b/1", "b/2", "c", "d/e/f", "ö/1"]:
        put(f"tree/{name}", b"x")
    listed = COS.list_objects(BUCKET, Prefix="tree/", Delimiter="/")
    equal([entry["Key"] for entry in listed["Contents"]], ["tree/a", "tree/c"])
    equal([entry["Prefix"] for entry in listed["CommonPrefixes"]],
          ["tree/b/", "tree/d/", "tree/ö/"])
    # Pages of one: names and prefixes count together, and each marker is the last of its page.
    found, marker = [], ""
    while True:
        page = COS.list_objects(BUCKET, Prefix="tree/", Delimiter="/", Marker=marker, MaxKeys=1)
        entries = [entry["Key"] for entry in page.get("Contents", [])]
        entries += [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]
        equal(len(entries), 1)
        found += entries
        if page["IsTruncated"] == "false":
            break
        marker = page["NextMarker"]
        equal(marker, entries[0])
    equal(found, ["tree/a", "tree/b/", "tree/c", "tree/d/", "tree/ö/"])


@case
def list_versions():
    put("versions/a", b"x")
    listed = COS.list_objects_versions(BUCKET, Prefix="versions/")
    equal([(entry["Key"], entry["IsLatest"]) for entry in listed["Version"]],
          [("versions/a", "true")])


@case
def multipart():
    parts = [content(MIB), content(MIB + 1), content(10)]
    key = "multipart/ü b"
    upload_id, done = upload(key, parts, ContentType="text/x-m",
                             Metadata={"x-cos-meta-a": "1"}, StorageClass="STANDARD_IA")
    fails(404, "NoSuchKey", COS.get_object, BUCKET, key)
    # A part that is sent again replaces the first.
    parts[2] = content(20)
    done[2]["ETag"] = COS.upload_part(BUCKET, key, parts[2], 3, upload_id, EnableMD5=True)["ETag"]
    whole = b"".join(parts)
    answer = COS.complete_multipart_upload(BUCKET, key, upload_id, {"Part": done})
    assert answer["ETag"].endswith('-3"') and answer["Location"] and answer["Bucket"] == BUCKET
    equal((answer["Key"], answer["x-cos-hash-crc64ecma"]), (key, crc(whole)))
    equal(get(key), whole)
    head = COS.head_object(BUCKET, key)
    equal((head["ETag"], head["Content-Type"], head["x-cos-meta-a"]),
          (answer["ETag"], "text/x-m", "1"))
    equal((head["x-cos-storage-class"], head["Content-Length"]), ("STANDARD_IA", str(len(whole))))
    fails(404, "NoSuchUpload", COS.complete_multipart_upload, BUCKET, key, upload_id,
          {"Part": done})


@case
def multipart_refusals():
    key = "refused"
    upload_id, done = upload(key, [content(10), content(MIB), content(5)])
    complete = lambda parts: COS.complete_multipart_upload(BUCKET, key, upload_id, {"Part": parts})
    fails(400, "EntityTooSmall", complete, done)
    fails(400, "InvalidPartOrder", complete, [done[1], done[0]])
    fails(400, "InvalidPart", complete, [{"PartNumber": 1, "ETag": '"0"'}])
    fails(400, "InvalidPart", complete, [done[0], done[1], {"PartNumber": 4, "ETag": '"0"'}])
    fails(400, "InvalidArgument", COS.upload_part, BUCKET, key, b"x", 10_001, upload_id)
    fails(400, "InvalidArgument", COS.upload_part, BUCKET, key, b"x", 0, upload_id)
    fails(404, "NoSuchUpload", COS.upload_part, BUCKET, key, b"x", 1, "0")
    equal(COS.object_exists(BUCKET, key), False)
    COS.abort_multipart_upload(BUCKET, key, upload_id)


@case
def list_parts():
    parts = [content(MIB), content(MIB), content(3)]
    key = "parts/ü"
    upload_id, done = upload(key, parts)
    found, marker = [], 0
    while True:
        page = COS.list_parts(BUCKET, key, upload_id, MaxParts=2, PartNumberMarker=marker)
        equal((page["Bucket"], page["UploadId"]), (BUCKET, upload_id))
        found += [(int(p["PartNumber"]), p["ETag"], int(p["Size"])) for p in page["Part"]]
        if page["IsTruncated"] == "false":
            break
        marker = int(page["NextPartNumberMarker"])
    expected = [(number, etag(part), len(part)) for number, part in enumerate(parts, 1)]
    equal(found, expected)
    empty = COS.create_multipart_upload(BUCKET, key)["UploadId"]
    assert "Part" not in COS.list_parts(BUCKET, key, empty)
    for one in (upload_id, empty):
        COS.abort_multipart_upload(BUCKET, key, one)


@case
def list_uploads():
    keys = ["uploads/a", "uploads/b/1", "uploads/b/2", "uploads/c ü", "uploads/c ü"]
    ids = [COS.create_multipart_upload(BUCKET, key)["UploadId"] for key in keys]
    listed = COS.list_multipart_uploads(BUCKET, Prefix="uploads/")
    equal([one["Key"] for one in listed["Upload"]], keys)
    equal({one["UploadId"] for one in listed["Upload"]}, set(ids))
    assert all(one["Initiated"].endswith("Z") for one in listed["Upload"])
    found, key_marker, id_marker = [], "", ""
    while True:
        page = COS.list_multipart_uploads(BUCKET, Prefix="uploads/", MaxUploads=1,
                                          KeyMarker=key_marker, UploadIdMarker=id_marker)
        found += [one["UploadId"] for one in page["Upload"]]
        if page["IsTruncated"] == "false":
            break
        key_marker, id_marker = page["NextKeyMarker"], page["NextUploadIdMarker"]
    equal((len(found), set(found)), (len(ids), set(ids)))
    grouped = COS.list_multipart_uploads(BUCKET, Prefix="uploads/", Delimiter="/")
    equal([one["Prefix"] for one in grouped["CommonPrefixes"]], ["uploads/b/"])
    equal([one["Key"] for one in grouped["Upload"]], ["uploads/a", "uploads/c ü", "uploads/c ü"])
    for key, upload_id in zip(keys, ids):
        COS.abort_multipart_upload(BUCKET, key, upload_id)
    assert "Upload" not in COS.list_multipart_uploads(BUCKET, Prefix="uploads/")


@case
def abort():
    upload_id, done = upload("abort", [content(MIB)])
    COS.abort_multipart_upload(BUCKET, "abort", upload_id)
    fails(404, "NoSuchUpload", COS.abort_multipart_upload, BUCKET, "abort", upload_id)
    fails(404, "NoSuchUpload", COS.list_parts, BUCKET, "abort", upload_id)
    equal(COS.object_exists(BUCKET, "abort"), False)


@case
def upload_file():
    body = content(5 * MIB + 3)
    path = os.path.join(FOLDER, "upload")
    with open(path, "wb") as file:
        file.write(body)
    answer = COS.upload_file(BUCKET, "file/ü", path, PartSize=1, MAXThread=4, EnableMD5=True)
    equal(answer["x-cos-hash-crc64ecma"], crc(body))
    equal(get("file/ü"), body)
    COS.upload_file_from_buffer(BUCKET, "file/buffer", io.BytesIO(body), PartSize=1)
    equal(get("file/buffer"), body)


@case
def resume_upload():
    body = content(4 * MIB + 3)
    path = os.path.join(FOLDER, "resume")
    with open(path, "wb") as file:
        file.write(body)
    # Two parts are there from an earlier try; the SDK finds them by listing.
    upload("resume/a", [body[:MIB], body[MIB:2 * MIB]])
    COS.upload_file(BUCKET, "resume/a", path, PartSize=1)
    equal(get("resume/a"), body)
    # Had it begun a new upload, the old one would still be there.
    assert "Upload" not in COS.list_multipart_uploads(BUCKET, Prefix="resume/")


@case
def download_file():
    body = content(4 * MIB + 5)
    put("download", body)
    path = os.path.join(FOLDER, "download")
    COS.download_file(BUCKET, "download", path, PartSize=1, EnableCRC=True, DumpRecordDir=FOLDER)
    with open(path, "rb") as file:
        equal(hashlib.sha256(file.read()).digest(), hashlib.sha256(body).digest())


@case
def append():
    one, two = content(100), content(50)
    answer = COS.append_object(BUCKET, "append", 0, one)
    equal((answer["x-cos-next-append-position"], bool(answer["ETag"])), ("100", True))
    fails(409, "AppendPositionErr", COS.append_object, BUCKET, "append", 99, two)
    answer = COS.append_object(BUCKET, "append", 100, two)
    equal((answer["x-cos-next-append-position"], answer["x-cos-content-sha1"] != ""), ("150", True))
    equal(get("append"), one + two)
    equal(COS.head_object(BUCKET, "append")["x-cos-object-type"], "appendable")
    put("append", b"normal")
    fails(409, "ObjectNotAppendable", COS.append_object, BUCKET, "append", 6, two)


@case
def tagging():
    put("tags", b"x", Tagging="a=1&b%20c=2%2B")
    tags = COS.get_object_tagging(BUCKET, "tags")["TagSet"]["Tag"]
    equal({tag["Key"]: tag["Value"] for tag in tags}, {"a": "1", "b c": "2+"})
    COS.put_object_tagging(BUCKET, "tags", {"TagSet": {"Tag": [{"Key": "k", "Value": "ü"}]}})
    tags = COS.get_object_tagging(BUCKET, "tags")["TagSet"]["Tag"]
    equal([(tag["Key"], tag["Value"]) for tag in tags], [("k", "ü")])
    COS.delete_object_tagging(BUCKET, "tags")
    fails(404, "NoSuchTagSet", COS.get_object_tagging, BUCKET, "tags")


@case
def object_acl():
    put("acl", b"x")
    # An object has its bucket's list until it gets its own, which names the owner.
    listed = COS.get_object_acl(BUCKET, "acl")
    assert listed["Owner"]["ID"], listed
    COS.put_object_acl(BUCKET, "acl", ACL="public-read")
    grants = COS.get_object_acl(BUCKET, "acl")["AccessControlList"]["Grant"]
    assert any(grant["Permission"] == "READ" for grant in grants), grants
    anonymous = client(Anonymous=True, SecretId=None, SecretKey=None)
    equal(read(anonymous.get_object(BUCKET, "acl")), b"x")
    COS.put_object_acl(BUCKET, "acl", ACL="private")
    fails(403, "AccessDenied", anonymous.get_object, BUCKET, "acl")
    owner = COS.get_object_acl(BUCKET, "acl")["Owner"]
    grant = {"Grantee": {"@xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
                         "@xsi:type": "CanonicalUser", "ID": owner["ID"]},
             "Permission": "FULL_CONTROL"}
    COS.put_object_acl(BUCKET, "acl", {"Owner": owner, "AccessControlList": {"Grant": [grant]}})
    put("acl", b"y", ACL="public-read")
    equal(read(anonymous.get_object(BUCKET, "acl")), b"y")


@case
def bucket_acl():
    COS.put_bucket_acl(BUCKET, ACL="public-read")
    grants = COS.get_bucket_acl(BUCKET)["AccessControlList"]["Grant"]
    assert any(grant["Permission"] == "READ" for grant in grants), grants
    COS.put_bucket_acl(BUCKET, ACL="private")


@case
def get_service():
    if WAY == "bare":
        raise Skip("a bare address means the bucket")
    service = COS
    if WAY in ("address", "https", "token"):
        service = client(ServiceDomain=f"service.{SUFFIX}:{PORT}")
    buckets = service.list_buckets()["Buckets"]["Bucket"]
    named = {bucket["Name"]: bucket["Location"] for bucket in buckets}
    equal(named[BUCKET], REGION)
    assert all(bucket["CreationDate"] for bucket in buckets)


@case
def buckets():
    COS.head_bucket(BUCKET)
    equal(COS.bucket_exists(BUCKET), True)
    if WAY == "bare":
        raise Skip("a bare address means the one bucket")
    COS.create_bucket(OTHER)
    try:
        COS.create_bucket(OTHER)
    except CosServiceError as error:
        equal(error.get_status_code(), 409)
    else:
        raise AssertionError("a bucket was created twice")
    COS.put_object(Bucket=OTHER, Key="a", Body=b"x")
    fails(409, "BucketNotEmpty", COS.delete_bucket, OTHER)
    COS.copy_object(BUCKET, "from-other", {**source("a"), "Bucket": OTHER})
    equal(get("from-other"), b"x")
    COS.delete_object(OTHER, "a")
    COS.delete_bucket(OTHER)
    equal(COS.bucket_exists(OTHER), False)
    fails(404, "NoSuchBucket", COS.list_objects, OTHER)


def presign(key, method, params=None, **named):
    if WAY in ("address", "https", "token"):
        # The SDK would sign the URL's own host, which is not the one that is sent.
        named["SignHost"] = False
    if WAY == "token":
        params = {"x-cos-security-token": TOKEN, **(params or {})}
    return COS.get_presigned_url(BUCKET, key, method, Params=params or {}, **named)


@case
def presigned_get():
    key, body = "presigned/ü +%", content(1000)
    put(key, body)
    equal(fetch(presign(key, "GET"))[::2], (200, body))
    status, headers, found = fetch(presign(key, "GET", {
        "response-content-type": "text/x-p", "response-content-disposition": "a b",
    }))
    equal((status, headers["Content-Type"], headers["Content-Disposition"], found),
          (200, "text/x-p", "a b", body))
    url = presign(key, "GET", Headers={"Range": "bytes=1-3"})
    equal(fetch(url, headers={"Range": "bytes=1-3"})[::2], (206, body[1:4]))
    equal(fetch(url, headers={"Range": "bytes=1-4"})[0], 403)
    status, _, found = fetch(presign(key, "GET", Expired=-30))
    equal((status, b"Request has expired" in found), (403, True))
    url = presign(key, "GET")
    equal(fetch(url.replace("q-signature=", "q-signature=0"))[0], 403)
    equal(fetch(url, method="HEAD")[0], 403)
    equal(fetch(presign(key, "HEAD"), method="HEAD")[0], 200)


@case
def presigned_put():
    key, body = "presigned/put", content(500)
    named = {"Content-Type": "text/x-p", "x-cos-meta-a": "1"}
    url = presign(key, "PUT", Headers=named)
    equal(fetch(url, "PUT", body, {"Content-Type": "text/other", "x-cos-meta-a": "1"})[0], 403)
    equal(fetch(url, "PUT", body, named)[0], 200)
    equal(get(key), body)
    equal(COS.head_object(BUCKET, key)["x-cos-meta-a"], "1")


@case
def restore():
    put("archived", b"x", StorageClass="ARCHIVE")
    fails(403, "InvalidObjectState", COS.get_object, BUCKET, "archived")
    request = {"Days": 1, "CASJobParameters": {"Tier": "Expedited"}}
    COS.restore_object(BUCKET, "archived", request)
    put("not-archived", b"x")
    fails(405, "RestoreNonArchiveObject", COS.restore_object, BUCKET, "not-archived", request)


@case
def special_keys():
    for key in SPECIAL_KEYS:
        body = key.encode()
        put(key, body)
        equal(get(key, KeySimplifyCheck=False), body, key)
        COS.head_object(BUCKET, key)
        COS.copy_object(BUCKET, "special-copy", source(key))
        equal(get("special-copy"), body, key)
        listed = [entry["Key"] for entry in COS.list_objects(BUCKET, Prefix=key)["Contents"]]
        assert key in listed, (key, listed)
        COS.delete_object(BUCKET, key)
        equal(COS.object_exists(BUCKET, key), False, key)
    fails(400, "KeyTooLong", put, "k" * 851, b"x")
    put("k" * 850, b"x")


@case
def errors():
    assert "absent" in fails(404, "NoSuchKey", COS.get_object, BUCKET, "absent").get_resource_location()
    wrong = client(SecretKey="wrong")
    error = fails(403, "SignatureDoesNotMatch", wrong.get_object, BUCKET, "absent")
    assert "<StringToSign>" in error.get_origin_msg() and "<FormatString>" in error.get_origin_msg()
    fails(403, "InvalidAccessKeyId", client(SecretId="AKIDunknown").get_object, BUCKET, "absent")
    anonymous = client(Anonymous=True, SecretId=None, SecretKey=None)
    fails(403, "AccessDenied", anonymous.get_object, BUCKET, "absent")
    if WAY == "token":
        fails(403, "InvalidAccessKeyId", client(Token="other").get_object, BUCKET, "absent")
    if WAY != "bare":
        fails(404, "NoSuchBucket", COS.put_object, "absent-1250000000", b"x", "a")


@case
def sign_less():
    put("sign-less", b"x")
    bare = client(SignHost=False, SignParams=False)
    equal(read(bare.get_object(BUCKET, "sign-less", ResponseContentType="text/x-s")), b"x")
    equal(len(bare.list_objects(BUCKET, Prefix="sign-less")["Contents"]), 1)


@case
def clock_skew():
    real = time.time
    time.time = lambda: real() - 3 * 86400
    try:
        error = fails(403, "AccessDenied", COS.get_object, BUCKET, "absent")
        equal(error.get_error_msg(), "Request has expired")
        time.time = lambda: real() + 86400
        fails(403, "RequestTimeTooSkewed", COS.get_object, BUCKET, "absent")
    finally:
        time.time = real


def main():
    resolve_to_emulator()
    for function in CASES:
        name = function.__name__.replace("_", " ")
        try:
            function()
            result = "ok"
        except Skip as reason:
            result = f"- {reason}"
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)
            line = next(f.lineno for f in reversed(where) if f.filename == __file__)
            text = " ".join(f"{type(error).__name__}: {error}".split())
            result = f"FAIL line {line}: {text[:600]}"
        print(f"{name}\t{result}", flush=True)


main()
