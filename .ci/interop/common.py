"""What the orchestration and the Python SDK's driver share; the Node driver gets it as JSON."""

import random

BUCKET = "interop-1250000000"
REGION = "ap-guangzhou"
SECRET_ID = "AKIDinterop"
SECRET_KEY = "interop-secret-key"
# Without `+`: the Node SDK appends it to presigned URLs unencoded.
TOKEN = "interop/token=with-signs"
SUFFIX = "cos.emulated.test"

SPECIAL_KEYS = [
    "ü/照片/腾讯 云+1.jpg", "a b", "a+b", "a%20b", "100%", "a&b=c;d?e#f", "!'()*~-_.$,:@[]{}|\\^`\"<>",
    "a//b", "a/", "a/./b", "a/../b", "..a", "emoji-\U0001f600", "upper/Lower", "tab\tnew",
]

_random = random.Random(1)


def content(length):
    """Bytes unlike any others, the same in every run."""
    return _random.randbytes(length)
