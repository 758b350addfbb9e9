"""Uploads of large files: in one piece or in parts, cut off, continued, changed on the way."""

import hashlib
import shutil

import pytest
from tools.hub_publisher import make_package

REPO = "writer/tiny-bert"
WEIGHTS = 200_000
PART = 65_536

#: More than is held in memory from check to commit.
LARGE = 17 << 20


@pytest.fixture(scope="module")
def heavy(tmp_path_factory):
    """A package with two files of weights, each four parts long."""
    return make_package(tmp_path_factory.mktemp("heavy") / "demo", 3, weights=WEIGHTS)


@pytest.fixture(params=[None, PART], ids=["in one piece", "in parts"])
def sized(request, hub):
    """The Hub, taking objects in one piece or in parts; and the route they are sent by."""
    hub.part_size = request.param
    return hub, "part" if request.param else "upload"


def is_published(hub, package) -> bool:
    files = hub.repositories[REPO].head.files
    return all(
        files[path.name].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        for path in package.iterdir()
    )


def test_each_byte_is_sent_once(sized, send, heavy):
    hub, route = sized
    assert send(heavy).receipt and is_published(hub, heavy)
    assert hub.received[route] == 2 * WEIGHTS


def test_a_cut_in_the_middle_is_mended_within_the_publish(sized, send, heavy):
    hub, route = sized
    hub.fail(route, cut=0.5, skip=1)
    assert send(heavy).receipt and is_published(hub, heavy)
    # Of a file in parts only the part that was cut is sent again.
    again = hub.received[route] - 2 * WEIGHTS
    assert 0 < again <= (PART if route == "part" else WEIGHTS)


def test_what_arrived_before_a_cut_for_good_is_not_sent_again(sized, send, heavy):
    hub, route = sized
    first = "complete" if route == "part" else "upload"
    # One file arrives, the other never does.
    hub.fail(first, drop="before", skip=1, times=50)
    done = send(heavy)
    assert "uploading failed" in done.error and "run again" in done.error and not done.receipt
    assert len(hub.repositories[REPO].commits) == 1 and len(hub.objects) == 1
    hub.faults.clear()
    hub.received.clear()
    assert send(heavy).receipt and is_published(hub, heavy)
    assert hub.received[route] == WEIGHTS


def test_what_arrived_before_a_refused_commit_is_not_sent_again(sized, send, heavy):
    hub, route = sized
    hub.fail("commit", status=403)
    assert not send(heavy).receipt
    hub.received.clear()
    assert send(heavy).receipt and is_published(hub, heavy)
    assert hub.received[route] == 0


def test_a_part_that_fails_is_tried_again(hub, send, heavy):
    hub.part_size = PART
    hub.fail("part", status=500, skip=2)
    hub.fail("complete", status=503)
    assert send(heavy).receipt and is_published(hub, heavy)


def test_a_quota_that_is_used_up_is_named_and_nothing_is_committed(hub, send, heavy):
    hub.quota = WEIGHTS
    done = send(heavy)
    assert "Storage limit reached" in done.error and "quota" in done.error and not done.receipt
    assert len(hub.repositories[REPO].commits) == 1
    hub.quota = None
    assert send(heavy).receipt and is_published(hub, heavy)


def test_a_large_file_changed_during_its_upload_is_not_committed(hub, send, tmp_path):
    package = make_package(tmp_path / "demo", 4)
    path = package / "model-00002.safetensors"
    path.write_bytes(bytes(LARGE))
    from malmoi.publish import checksums

    checksums.write(package)
    kept = shutil.copytree(package, tmp_path / "kept")

    def change():
        with path.open("r+b") as file:
            file.write(b"changed")

    hub.fail("batch", before=change)
    done = send(package)
    assert f"{path} changed while it was being published" in done.error and not done.receipt
    assert len(hub.repositories[REPO].commits) == 1
    assert send(kept).receipt and is_published(hub, kept)


def test_a_small_file_changed_during_the_upload_goes_up_as_it_was_checked(
    hub, send, heavy, tmp_path
):
    package = shutil.copytree(heavy, tmp_path / "copy")

    def change():
        (package / "vocab.txt").write_text("[PAD]\n", encoding="utf-8")

    hub.fail("upload", before=change)
    assert send(package).receipt and is_published(hub, heavy)
