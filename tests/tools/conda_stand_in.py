"""A stand-in for conda where it cannot be had: as much of its command line as ``snakemake --use-conda`` calls.

Environments are solved and linked by py-rattler from a channel in a folder and filled by their own pip, so
Snakemake's own code for conda runs as it is. What conda-forge would answer is not proven. As a program
this file is the command ``conda``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

#: The oldest that Snakemake 9 works with; it asks.
_VERSION = "24.7.1"

#: What conda's own variable names: the folder (or address) that a channel's bare name is looked for in.
_CHANNELS = "CONDA_CHANNEL_ALIAS"

_PROGRAM = """\
#!/bin/sh
exec "{python}" "{file}" "$@"
"""

# Snakemake sources it with the environment's folder.
_ACTIVATE = """\
export CONDA_PREFIX="$1" PATH="$1/bin:$PATH"
"""


def install(root: Path, channels: Path) -> dict[str, str]:
    """Put ``conda`` and ``activate`` into ``root/bin``; return the environment that finds them first."""
    programs = root / "bin"
    programs.mkdir(parents=True)
    conda = programs / "conda"
    conda.write_text(_PROGRAM.format(python=sys.executable, file=Path(__file__).resolve()))
    conda.chmod(0o755)
    (programs / "activate").write_text(_ACTIVATE)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "CONDA_PREFIX": str(root), _CHANNELS: channels.as_uri()}


def main(arguments: Sequence[str]) -> int:
    """Do what conda does for one command line; return the exit status."""
    match list(arguments):
        case ["--version"]:
            print(f"conda {_VERSION}")
        case ["info", "--json"]:
            about = {"conda_prefix": os.environ["CONDA_PREFIX"], "platform": "linux-64"}
            print(json.dumps(about | {"conda_version": _VERSION}))
        case ["config", "--get", "channel_priority", "--json"]:
            print(json.dumps({"get": {"channel_priority": "strict"}}))
        case ["clean", *_]:
            pass
        case ["env", "create", *options]:
            parser = argparse.ArgumentParser("conda env create")
            for flag in ("--quiet", "--no-default-packages"):
                parser.add_argument(flag, action="store_true")
            parser.add_argument("--file", type=Path, required=True)
            parser.add_argument("--prefix", type=Path, required=True)
            settings = parser.parse_args(options)
            _create(settings.file, settings.prefix)
        case other:
            print(f"this stand-in for conda knows no 'conda {' '.join(other)}'", file=sys.stderr)
            return 2
    return 0


def _create(file: Path, prefix: Path) -> None:
    """Make the environment of a YAML file: conda's packages first, then what its own pip installs."""
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    specs = [item for item in content["dependencies"] if isinstance(item, str)]
    asyncio.run(_link(specs, content["channels"], prefix))
    pins = [
        pin for item in content["dependencies"] if isinstance(item, dict) for pin in item["pip"]
    ]
    if not pins:
        return
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as requirements:
        requirements.write("\n".join(pins))
        requirements.flush()
        pip = [str(prefix / "bin" / "python"), "-m", "pip", "install", "--requirement"]
        # Conda runs pip in the file's folder.
        subprocess.run([*pip, requirements.name], cwd=file.parent, check=True)


async def _link(specs: Sequence[str], channels: Sequence[str], prefix: Path) -> None:
    import rattler

    alias = os.environ[_CHANNELS]
    records: Any = await rattler.solve(
        [rattler.Channel(name if "://" in name else f"{alias}/{name}") for name in channels],
        specs,
        virtual_packages=rattler.VirtualPackage.detect(),
    )
    await rattler.install(records, prefix, show_progress=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
