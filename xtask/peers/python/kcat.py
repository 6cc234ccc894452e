"""kcat, the program. See ../README.md."""
import json
import re
import subprocess
import sys

from serve import Lacks, serve

BROKERS = ["-b", sys.argv[1]]
# Between records, and between key and value: what no record holds.
RECORD, KEY = "\x1e", "\x1f"


def kcat(*arguments, given=None):
    done = subprocess.run(["kcat", *BROKERS, *arguments], input=given, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().replace("\n", "; "))
    return done.stdout


def write(topic, records, idempotence=None, codec=None, acks=None):
    options = ["-z", codec] if codec else []
    options += ["-X", f"enable.idempotence={str(idempotence).lower()}"] if idempotence is not None else []
    options += ["-X", f"acks={acks}"] if acks else []
    if any(one.get("timestamp") for one in records):
        raise Lacks("cannot be given timestamps")
    if any(value is None for one in records for _, value in one.get("headers") or []):
        raise Lacks("cannot be given headers that are null")
    if any(one.get("key") == "" or one.get("value") == "" for one in records):
        raise Lacks("cannot be given what is empty beside what is null")
    # Headers are given for all records of a run, so records with the same ones go together.
    runs = {}
    for one in records:
        runs.setdefault(json.dumps(one.get("headers") or []), []).append(one)
    for headers, ones in runs.items():
        given = [part for name, value in json.loads(headers) for part in ("-H", f"{name}={value}")]
        text = RECORD.join((one.get("key") or "") + KEY + (one.get("value") or "") for one in ones)
        kcat("-P", "-t", topic, "-Z", "-D", RECORD, "-K", KEY, *options, *given, given=text)


def records(printed):
    found = []
    for line in printed.splitlines():
        one = json.loads(line)
        pairs = one.get("headers") or []
        headers = [list(pair) for pair in zip(pairs[::2], pairs[1::2])]
        found.append({"key": one["key"], "value": one["payload"], "headers": headers})
    return {"records": found}


def read(topic, count, since=None):
    start = "beginning" if since is None else f"s@{since}"
    return records(kcat("-C", "-q", "-J", "-t", topic, "-o", start, "-e"))


def group(topic, group, count):
    return records(kcat("-q", "-J", "-X", "auto.offset.reset=earliest", "-c", str(count), "-G", group, topic))


def lacks(what):
    def answer(**_):
        raise Lacks(what)

    return answer


about = subprocess.run(["kcat", "-V"], capture_output=True, text=True).stdout
version = "{} (librdkafka {})".format(re.search(r"Version (\S+)", about)[1], re.search(r"librdkafka (\S+)", about)[1])
admin = lacks("no administrator")
serve("kcat", version, dict(create=admin, write=write, read=read, group=group, configs=admin, groups=admin, delete=admin))
