"""The provenance of a run: the same for the same models, whatever time it took to make them."""

from __future__ import annotations

import json
import subprocess

import pytest
from malmoi import fingerprint
from malmoi.errors import InputError
from malmoi.publish import checksums
from malmoi.publish.run_provenance import commit, write_provenance


def write_run(folder, seconds):
    """Write a run of one experiment that took so many seconds; return its provenance."""
    package = folder / "package" / "demo"
    package.mkdir(parents=True)
    origin = {
        **{"malmoi": "0", "config": {"seed": 1}, "config_fingerprint": "c", "code": {"text": "t"}},
        "training": {"fingerprint": "f", "seconds": seconds},
    }
    (package / "provenance.json").write_text(json.dumps(origin))
    (package / "README.md").write_text(f"It took {seconds} seconds.")
    (package / "model.safetensors").write_bytes(b"weights")
    checksums.write(package)
    (folder / "0000.sha256").write_text("0" * 64 + "\n")
    (folder / "comparison.csv").write_text("value\n1\n")
    write_provenance(
        folder / "provenance.json",
        sources={"courts": [folder / "0000.sha256"]},
        comparison=folder / "comparison.csv",
        packages={"demo": package},
    )
    return json.loads((folder / "provenance.json").read_text())


def test_it_names_settings_and_digests_and_no_times(tmp_path):
    found = write_run(tmp_path / "one", seconds=10)
    assert found["experiments"]["demo"] == {
        **{"malmoi": "0", "config": {"seed": 1}, "config_fingerprint": "c", "code": {"text": "t"}},
        "training_fingerprint": "f",
        "files": {
            "model.safetensors": fingerprint.of_file(
                tmp_path / "one/package/demo/model.safetensors"
            )
        },
    }
    assert found["sources"] == {"courts": fingerprint.of_value(["0" * 64])}
    assert write_run(tmp_path / "two", seconds=20) == found


def test_a_package_without_checksums_is_refused(tmp_path):
    write_run(tmp_path / "run", seconds=1)
    package = tmp_path / "run" / "package" / "demo"
    (package / "SHA256SUMS").unlink()
    with pytest.raises(InputError, match="has no SHA256SUMS"):
        write_provenance(
            tmp_path / "provenance.json",
            sources={},
            comparison=tmp_path / "run" / "comparison.csv",
            packages={"demo": package},
        )


def git(folder, *arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_the_commit_is_the_last_one_of_the_code_and_none_where_it_was_edited(tmp_path):
    assert commit(tmp_path) is None
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow" / "code.py").write_text("one = 1\n")
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "code")
    found = commit(tmp_path)
    assert found and len(found) == 40
    (tmp_path / "README.md").write_text("words\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "words")
    assert commit(tmp_path) == found
    (tmp_path / "workflow" / "code.py").write_text("one = 2\n")
    assert commit(tmp_path) is None
