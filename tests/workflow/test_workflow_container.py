"""The Dockerfile holds the environments that the rules ask for."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]


def test_the_dockerfile_makes_the_environments_as_they_are_now() -> None:
    text = (REPO / "Dockerfile").read_text(encoding="utf-8")
    # Inside a container Snakemake looks for an environment in a folder named by its file's content.
    expected = {
        f"envs/{path.name}": f"/conda-envs/{hashlib.md5(path.read_bytes()).hexdigest()}"
        for path in (REPO / "envs").glob("*.yaml")
    }
    cure = "write it anew, as its first lines say"
    copied = re.findall(r"^COPY (\S+) (\S+)/environment\.yaml$", text, re.MULTILINE)
    assert dict(copied) == expected, cure
    made = re.findall(r"conda env create --prefix (\S+) --file \1/environment\.yaml", text)
    assert sorted(made) == sorted(expected.values()), cure
