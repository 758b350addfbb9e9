"""Plan a workflow with one configuration after another, in forks of a process that imported Snakemake once.

    python many_plans.py TARGET ... < configurations.jsonl > graphs.jsonl

Runs in the folder of a workflow, whose ``config.yaml`` it writes. Each line read is a configuration; each line
written is ``{"graph": …}``, the graph of jobs in the dot language, or ``{"error": …}``, all that was printed.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

import jsonschema  # noqa: F401 - else each fork imports these anew
import smart_open  # noqa: F401
import snakemake.cli
import yaml
import yte  # noqa: F401

sys.path.insert(0, str(Path("workflow", "scripts").resolve()))

from malmoi.fingerprint import of_code


def main(targets: list[str]) -> None:
    """Plan each configuration of standard input."""
    # libyaml builds the same values as the loader in Python, in a tenth of the time.
    yaml.SafeLoader = yaml.CSafeLoader
    # What a plugin is, and what a script imports, is remembered.
    snakemake.cli.get_argument_parser()
    of_code(*Path("workflow", "scripts").rglob("*.py"))
    for line in sys.stdin:
        # JSON is YAML.
        Path("config.yaml").write_text(line, encoding="utf-8")
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as messages:
            failed = _plan(targets, output, messages)
            found = {"error" if failed else "graph": _text(output) + failed * _text(messages)}
        print(json.dumps(found), flush=True)


def _plan(targets: list[str], output: BinaryIO, messages: BinaryIO) -> bool:
    """Let a child print the graph of jobs; return whether it failed."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return status != 0
    os.dup2(output.fileno(), 1)
    os.dup2(messages.fileno(), 2)
    code: object = 1
    try:
        snakemake.cli.main(["--dag", "dot", *targets])
    except SystemExit as stop:
        code = stop.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Nothing of the parent's may be done twice.
        os._exit(1 if code else 0)


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode("utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
