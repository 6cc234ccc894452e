"""The commands of ../README.md, read from standard input and answered on standard output, a JSON object a line."""
import json
import logging
import sys


class Lacks(Exception):
    """The library has no such thing; says why."""


def serve(library, version, commands):
    logging.disable(logging.CRITICAL)
    answer({"library": library, "version": version})
    for line in sys.stdin:
        command = json.loads(line)
        name = command.pop("do")
        try:
            answer(commands[name](**command) or {})
        except Lacks as why:
            answer({"lacks": str(why)})
        except Exception as error:
            answer({"error": f"{type(error).__name__}: {error}"})


def answer(what):
    print(json.dumps(what), flush=True)


def encoded(text):
    return None if text is None else text.encode()


def text(data):
    return None if data is None else data.decode()


def headers(pairs):
    return [(name, encoded(value)) for name, value in pairs or []]


def record(key, value, pairs):
    return {"key": text(key), "value": text(value), "headers": [[name, text(value)] for name, value in pairs or []]}
