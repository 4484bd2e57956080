"""Runs every driver in every way against an emulator of its own, and prints the table.

Usage: orchestrate.py EMULATOR SCRATCH, where SCRATCH holds the installed SDKs.
"""

import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile

import common

EMULATOR, SCRATCH = (os.path.abspath(path) for path in sys.argv[1:3])
HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = os.path.join(SCRATCH, "venv", "bin", "python")

WAYS = {
    "address": "the emulator's IP and port, with the production Host",
    "suffix": "its own host suffix and port, as <bucket>." + common.SUFFIX + ":<port>",
    "proxy": "as a plain HTTP proxy of the production hosts",
    "bare": "by IP and port alone, which means the first bucket",
    "https": "as address, by TLS",
    "token": "as address, with temporary credentials",
}
RUNS = [("python", way) for way in WAYS] + [("node", way) for way in WAYS] + [("coscmd", "proxy")]
DRIVERS = {
    "python": [PYTHON, "sdk_python.py"],
    "node": ["node", "--no-deprecation", "sdk_node.js"],
    "coscmd": [PYTHON, "coscmd_cases.py"],
}
RUN_SECONDS_MAX = 120


def certificate(folder):
    """A certificate for all names used here, of this run only."""
    paths = [os.path.join(folder, name) for name in ("certificate.pem", "key.pem")]
    production = f"cos.{common.REGION}.myqcloud.com"
    names = ",".join([
        "IP:127.0.0.1", f"DNS:*.{common.SUFFIX}", f"DNS:*.{production}", f"DNS:{production}",
        "DNS:service.cos.myqcloud.com",
    ])
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=emulator", "-addext", f"subjectAltName={names}",
         "-out", paths[0], "-keyout", paths[1]],
        check=True, capture_output=True,
    )
    return paths


def environment(folder, chain):
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    settings = {name: value for name, value in vars(common).items() if name.isupper()}
    return {
        **kept,
        # SDKs and coscmd keep files in the home folder.
        "HOME": folder,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONWARNINGS": "ignore",
        "NODE_PATH": os.path.join(SCRATCH, "node", "node_modules"),
        "NODE_EXTRA_CA_CERTS": chain,
        "INTEROP_CERTIFICATE": chain,
        "INTEROP_SETTINGS": json.dumps(settings),
    }


def drive(sdk, way, work, chain, key):
    """The results of one run, by case; what it printed besides counts as a failure."""
    folder = os.path.join(work, f"{sdk}-{way}")
    os.makedirs(folder)
    command = [
        EMULATOR, "--listen", "127.0.0.1:0", "--bucket", common.BUCKET, "--region", common.REGION,
        "--secret-id", common.SECRET_ID, "--secret-key", common.SECRET_KEY,
    ]
    if way == "https":
        command += ["--tls-cert", chain, "--tls-key", key]
    if way == "token":
        command += ["--token", common.TOKEN]
    with open(os.path.join(folder, "emulator.log"), "wb") as log:
        emulator = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        url = emulator.stdout.readline().strip().removeprefix("listening on ")
        done = subprocess.run(
            [*DRIVERS[sdk], way, url, folder], cwd=HERE, env=environment(folder, chain),
            stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace",
            timeout=RUN_SECONDS_MAX,
        )
        results = dict(line.split("\t", 1) for line in done.stdout.splitlines() if "\t" in line)
        if done.returncode != 0 or not results:
            results["the driver itself"] = f"FAIL exit {done.returncode}: {done.stderr[-600:]}"
    except subprocess.TimeoutExpired as error:
        results = {"the driver itself": f"FAIL no end after {error.timeout} s"}
    finally:
        emulator.terminate()
        code = emulator.wait(timeout=10)
    if code != 0:
        results["the emulator itself"] = f"FAIL exit {code}"
    return results


def table(title, runs, results):
    """Prints runs as columns and their cases as rows; a case that one run lacks has failed."""
    cases = list(dict.fromkeys(name for run in runs for name in results[run]))
    width = max(map(len, [title, *cases])) + 2
    heads = [" ".join(run) for run in runs]
    print("\n" + title.ljust(width) + "  ".join(heads))
    for name in cases:
        cells = []
        for run, head in zip(runs, heads):
            result = results[run].setdefault(name, "FAIL it was not run")
            cells.append(result.split(" ", 1)[0].ljust(len(head)))
        print((name.ljust(width) + "  ".join(cells)).rstrip())


def main():
    with tempfile.TemporaryDirectory(prefix="cos-interop-") as work:
        chain, key = certificate(work)
        workers = max(2, os.cpu_count() or 2)
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            started = {run: pool.submit(drive, *run, work, chain, key) for run in RUNS}
            results = {run: future.result() for run, future in started.items()}

        print("The emulator, driven by unpatched clients that reach it")
        for way, meaning in WAYS.items():
            print(f"  {way:8} {meaning}")
        table("SDK call", [run for run in RUNS if run[0] != "coscmd"], results)
        table("command", [run for run in RUNS if run[0] == "coscmd"], results)
        counts = {"ok": 0, "FAIL": 0, "-": 0}
        print()
        for run in RUNS:
            for name, result in results[run].items():
                verdict, _, reason = result.partition(" ")
                counts[verdict] += 1
                if reason:
                    print(f"{verdict} {' '.join(run)}: {name}: {reason}")
        if counts["FAIL"]:
            kept = os.path.join(SCRATCH, "failed")
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(work, kept)
            print(f"the emulators' logs are in {kept}")
    print(f"interop: {counts['ok']} passed, {counts['FAIL']} failed, {counts['-']} skipped")
    return 1 if counts["FAIL"] else 0


sys.exit(main())
