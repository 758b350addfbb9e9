"""The dry run: what publishing would do, seen without writing anything."""

import subprocess

import pytest
from malmoi.publish import checksums
from tools.hub_publisher import make_package
from tools.hub_sequences import put

TOKEN = "hf_markedTokenOfTheTests"
REPO = "writer/tiny-bert"


@pytest.fixture
def dry_run(python, hub):
    """Run the command on a package against the Hub."""
    code = "import runpy; runpy.run_module('malmoi.publish.dry_run', run_name='__main__')"

    def run(package, *options: str, token: str = "") -> subprocess.CompletedProcess:
        return python(code, str(package), "--endpoint", hub.url, *options, HF_TOKEN=token)

    return run


def check_nothing_written(hub) -> None:
    assert all(method in ("GET", "HEAD") for method, _ in hub.requests)


def test_a_new_repository_would_get_every_file(hub, dry_run, small):
    done = dry_run(small, "--repo-id", REPO, token=TOKEN)
    assert done.returncode == 0, done.stderr
    files = checksums.read(small)
    size = sum(file.size for file in files)
    assert f"{len(files)} files, {size:,} B" in done.stdout
    assert "gate loads" in done.stdout and "passed" in done.stdout
    assert "it would be created, private" in done.stdout
    for file in files:
        assert f"upload  {file.size:>8,} B  {file.path}" in done.stdout
    assert not hub.repositories and TOKEN not in done.stdout + done.stderr
    check_nothing_written(hub)


def test_it_says_what_would_go_up_what_go_and_what_stay(hub, dry_run, small, newer, tmp_path):
    earlier = make_package(tmp_path / "earlier", 1)
    (earlier / "old.txt").write_text("old", encoding="utf-8")
    checksums.write(earlier)
    put(hub, hub.create(REPO, private=False), earlier)
    hub.requests.clear()
    # A public repository is looked at without the token.
    done = dry_run(newer, "--repo-id", REPO, "--public")
    said = {tuple(line.split())[:1] + tuple(line.split())[-1:] for line in done.stdout.splitlines()}
    assert {("upload", "vocab.txt"), ("delete", "old.txt"), ("keep", "README.md")} <= said
    assert "would make one commit: 4 files to upload" in done.stdout
    assert "1 to delete, 2 kept" in done.stdout
    assert done.returncode == 1 and "HF_TOKEN is not set" in done.stderr
    check_nothing_written(hub)


def test_nothing_changed_is_said_to_be_no_commit(hub, dry_run, send, small):
    send(small)
    hub.requests.clear()
    done = dry_run(small, "--repo-id", REPO, token=TOKEN)
    assert done.returncode == 0 and "nothing changed: no commit" in done.stdout, done.stderr
    check_nothing_written(hub)


def test_an_open_pull_request_of_the_same_content_is_found(hub, dry_run, send, small):
    receipt = send(small, pull_request=True).receipt
    done = dry_run(small, "--repo-id", REPO, "--pull-request", token=TOKEN)
    assert f"{receipt['pull_request']} already proposes this package" in done.stdout, done.stderr
    assert "no commit" in done.stdout


def test_reasons_for_a_refusal_end_it_with_an_error(hub, dry_run, small):
    hub.create(REPO, private=False)
    done = dry_run(small, "--repo-id", REPO, token=TOKEN)
    assert done.returncode == 1 and "exists and is public" in done.stderr
    done = dry_run(small, "--repo-id", "writer/hidden", token="hf_wrong")
    assert done.returncode == 1 and "not accepted" in done.stderr
    check_nothing_written(hub)


def test_without_a_repository_the_package_alone_is_looked_at(hub, python, small):
    code = "import runpy; runpy.run_module('malmoi.publish.dry_run', run_name='__main__')"
    done = python(code, str(small))
    assert done.returncode == 0, done.stderr
    assert all(file.path in done.stdout for file in checksums.read(small)) and not hub.requests
