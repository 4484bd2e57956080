"""Runs the unpatched coscmd against an emulator, which is its HTTP proxy.

Usage: coscmd_cases.py proxy URL FOLDER. Prints `case<TAB>result` lines, as sdk_python.py does.
"""

import os
import subprocess
import sys
import traceback

from common import BUCKET, REGION, SECRET_ID, SECRET_KEY, content

URL, FOLDER = sys.argv[2:4]
HOST = f"{BUCKET}.cos.{REGION}.myqcloud.com"
COSCMD = os.path.join(os.path.dirname(sys.executable), "coscmd")
# The emulator is reached by nothing but the standard variables.
ENVIRONMENT = {**os.environ, "http_proxy": URL, "HTTP_PROXY": URL}
BIG = content(3_500_000)


def coscmd(*arguments, code=0):
    done = subprocess.run(
        [COSCMD, *arguments], cwd=FOLDER, env=ENVIRONMENT, stdin=subprocess.DEVNULL,
        capture_output=True, encoding="utf-8", timeout=60,
    )
    said = done.stdout + done.stderr
    assert done.returncode == code, f"exit {done.returncode}: {said[-300:]}"
    return said


def write(name, body):
    path = os.path.join(FOLDER, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(body)


def read(name):
    with open(os.path.join(FOLDER, name), "rb") as file:
        return file.read()


def listed(*arguments):
    return {line.split("   ")[1].strip() for line in coscmd("list", *arguments).splitlines()
            if line.startswith("   ")}


def config():
    coscmd("config", "-a", SECRET_ID, "-s", SECRET_KEY, "-b", BUCKET, "-r", REGION,
           "--do-not-use-ssl")


def upload():
    write("small", b"small")
    coscmd("upload", "small", "dir/small ü")
    coscmd("download", "dir/small ü", "small-back")
    assert read("small-back") == b"small"


def upload_in_parts():
    write("big", BIG)
    coscmd("upload", "big", "big")
    coscmd("download", "big", "big-back")
    assert read("big-back") == BIG


def list_():
    assert {"big", "dir/"} <= listed(), listed()
    assert listed("-r", "dir/") == {"dir/small ü"}, listed("-r", "dir/")


def info():
    assert "3500000" in coscmd("info", "big")
    coscmd("info", "absent", code=255)


def copy_and_move():
    coscmd("copy", f"{HOST}/big", "copied")
    coscmd("move", f"{HOST}/copied", "moved")
    coscmd("download", "moved", "moved-back")
    assert read("moved-back") == BIG
    assert "copied" not in listed()


def upload_and_download_folder():
    write("tree/a", b"1")
    write("tree/sub/b +%", b"2")
    coscmd("upload", "-r", "tree", "t/")
    coscmd("download", "-r", "t/", "back")
    assert read("back/tree/a") == b"1" and read("back/tree/sub/b +%") == b"2"


def acl():
    coscmd("putobjectacl", "--grant-read", "anyone", "big")
    assert "anyone: READ" in coscmd("getobjectacl", "big")
    assert "FULL_CONTROL" in coscmd("getbucketacl")


def list_parts():
    assert "Parts num: 0" in coscmd("listparts")


def probe():
    assert "[3/3]" in coscmd("probe")


def delete():
    coscmd("delete", "-f", "dir/small ü")
    coscmd("delete", "-rf", "t/")
    assert listed("-ar", "t/") == set() and listed("-ar", "dir/") == set()


for case in (config, upload, upload_in_parts, list_, info, copy_and_move,
             upload_and_download_folder, acl, list_parts, probe, delete):
    try:
        case()
        result = "ok"
    except Exception as error:
        line = traceback.extract_tb(error.__traceback__)[1].lineno
        text = " ".join(f"{type(error).__name__}: {error}".split())
        result = f"FAIL line {line}: {text[:600]}"
    print(f"{case.__name__.strip('_').replace('_', ' ')}\t{result}", flush=True)
