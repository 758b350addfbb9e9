"""What publishing to a Hub does, with the real client against a Hub of our own."""

import json
import shutil

import pytest
from malmoi.publish import checksums
from tools.hub_publisher import make_package
from tools.hub_server import StoredFile

TOKEN = "hf_markedTokenOfTheTests"
REPO = "writer/tiny-bert"


def commits(hub) -> int:
    return len(hub.repositories[REPO].commits) if REPO in hub.repositories else 0


def held(commit) -> dict[str, str]:
    return {path: file.sha256 for path, file in commit.files.items() if path != ".gitattributes"}


def listed(package) -> dict[str, str]:
    return {file.path: file.sha256 for file in checksums.read(package)}


def test_a_stranger_loads_the_published_model(hub, publish, package, python):
    settings = {"target": "hub", "repo_id": REPO, "private": False, "endpoint": hub.url}
    done, receipt = publish(settings, TOKEN)
    assert done.returncode == 0, done.stderr
    assert held(hub.repositories[REPO].head) == listed(package)
    code = (
        "import sys\n"
        "from transformers import AutoModel, AutoTokenizer\n"
        "model = AutoModel.from_pretrained(sys.argv[1], revision=sys.argv[2])\n"
        "tokenizer = AutoTokenizer.from_pretrained(sys.argv[1], revision=sys.argv[2])\n"
        "print(type(model).__name__, tokenizer.tokenize('법원 판결'))\n"
    )
    done = python(code, REPO, receipt["tag"], HF_ENDPOINT=hub.url)
    assert done.stdout.strip() == "BertModel ['법', '##원', '판', '##결']", done.stderr


def test_one_commit_holds_the_package_and_the_receipt_says_so(hub, send, small):
    done = send(small)
    repository = hub.repositories[REPO]
    files = checksums.read(small)
    assert repository.private and commits(hub) == 2
    assert held(repository.head) == listed(small)
    assert done.receipt["revision"] == repository.head.oid
    assert done.receipt["pull_request"] is None and done.receipt["endpoint"] == hub.url
    assert repository.tags == {files[-1].sha256[:12]: repository.head.oid}
    assert done.receipt["tag"] in repository.tags
    assert [file["path"] for file in done.receipt["files"]] == [file.path for file in files]


def test_nothing_changed_is_no_commit_and_no_upload(hub, send, small):
    receipt = send(small).receipt
    hub.requests.clear()
    assert send(small).receipt == receipt and commits(hub) == 2
    assert not {name for _, name in hub.requests} & {"preupload", "batch", "upload", "commit"}


def test_an_edited_card_goes_up_alone(hub, send, small, tmp_path):
    send(small)
    hub.received.clear()
    assert send(make_package(tmp_path / "edited", 1, card="another card")).receipt
    assert hub.repositories[REPO].head.changed == {"README.md", checksums.NAME}
    assert hub.received["upload"] == hub.received["batch"] == 0


def test_files_gone_from_the_package_go_from_the_repository(hub, send, small, tmp_path):
    earlier = shutil.copytree(small, tmp_path / "earlier")
    (earlier / "old.txt").write_text("old", encoding="utf-8")
    checksums.write(earlier)
    assert send(earlier).receipt
    assert "old.txt" in hub.repositories[REPO].head.files
    assert send(small).receipt
    assert held(hub.repositories[REPO].head) == listed(small)
    assert commits(hub) == 3 and len(hub.repositories[REPO].tags) == 2


def test_files_beside_the_package_stay_at_home(hub, send, small, tmp_path):
    folder = shutil.copytree(small, tmp_path / "copy")
    (folder / ".snakemake_timestamp").touch()
    (folder / "corpus.txt").symlink_to("/etc/hostname")
    (folder / "notes.txt").write_text("not for the public", encoding="utf-8")
    assert send(folder).receipt
    assert held(hub.repositories[REPO].head) == listed(small)


@pytest.mark.parametrize("name", ["corpus.txt", ".hidden"])
def test_a_link_or_a_dot_file_is_refused_though_it_is_listed(hub, send, small, tmp_path, name):
    folder = shutil.copytree(small, tmp_path / "copy")
    (tmp_path / "elsewhere").write_text("raw text", encoding="utf-8")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    checksums.write(folder)
    done = send(folder)
    assert name in done.error and not done.receipt and not hub.requests


def test_a_folder_that_is_a_link_is_not_followed(hub, send, small, tmp_path):
    folder = shutil.copytree(small, tmp_path / "copy")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "corpus.txt").write_text("raw text", encoding="utf-8")
    (folder / "data").symlink_to(elsewhere)
    with (folder / checksums.NAME).open("a") as sums:
        sums.write(f"{StoredFile(b'raw text', True).sha256}  data/corpus.txt\n")
    done = send(folder)
    assert "leads out of the package" in done.error and not done.receipt
    assert commits(hub) == 1


def test_a_repository_with_files_of_others_is_left_alone(hub, send, small):
    repository = hub.create(REPO, private=True)
    theirs = {"pytorch_model.bin": StoredFile(b"x", False)}
    repository.add("by hand", {**repository.head.files, **theirs})
    done = send(small)
    assert "pytorch_model.bin" in done.error and not done.receipt and commits(hub) == 2
    del repository.head.files["pytorch_model.bin"]
    assert send(small).receipt


@pytest.mark.parametrize("private", [True, False])
def test_a_repository_of_another_visibility_is_not_written_to(hub, send, small, private):
    hub.create(REPO, private=not private)
    done = send(small, private=private)
    there = "public" if private else "private"
    assert f"exists and is {there}" in done.error and not done.receipt
    assert commits(hub) == 1 and not hub.objects


def test_a_repository_made_public_meanwhile_gets_no_second_try(hub, send, small):
    def open_up():
        hub.repositories[REPO].private = False

    hub.fail("commit", status=500, before=open_up)
    done = send(small)
    assert "exists and is public" in done.error and not done.receipt and commits(hub) == 1


def test_a_data_set_has_a_repository_of_its_own_kind(hub, send, small):
    done = send(small, repo_type="dataset", repo_id="writer/text")
    assert done.receipt["repo_type"] == "dataset", done.error
    assert held(hub.repositories["datasets/writer/text"].head) == listed(small)


def test_a_model_that_does_not_load_from_what_was_read_back_gets_no_receipt(
    hub, send, small, tmp_path
):
    folder = shutil.copytree(small, tmp_path / "copy")
    (folder / "config.json").write_text("{}", encoding="utf-8")
    checksums.write(folder)
    done = send(folder)
    assert "does not load" in done.error and not done.receipt


def test_a_tag_that_stands_for_other_files_is_not_believed(hub, send, small):
    repository = hub.create(REPO, private=True)
    name = checksums.read(small)[-1].sha256[:12]
    repository.tags[name] = repository.head.oid
    done = send(small)
    assert "which holds other files" in done.error and not done.receipt
    del repository.tags[name]
    assert send(small).receipt["tag"] == name


def test_a_package_changed_after_its_gates_is_refused(hub, send, small, tmp_path):
    folder = shutil.copytree(small, tmp_path / "copy")
    (folder / "vocab.txt").write_text("[PAD]\n", encoding="utf-8")
    done = send(folder)
    assert "changed after packaging" in done.error and not done.receipt and not hub.requests


@pytest.mark.parametrize(
    ("gates", "said"),
    [
        ([{"name": "loads", "passed": False, "overridden": False}], "its gates (loads)"),
        ([], "none was run"),
    ],
)
def test_a_package_with_a_failed_gate_is_refused(hub, send, small, tmp_path, gates, said):
    folder = shutil.copytree(small, tmp_path / "copy")
    (folder / "gates.json").write_text(json.dumps(gates), encoding="utf-8")
    checksums.write(folder)
    done = send(folder)
    assert said in done.error and not done.receipt and not hub.requests


@pytest.mark.parametrize("target", ["none", "folder"])
def test_other_targets_need_no_network_and_list_the_files(hub, send, small, target):
    done = send(small, token="", target=target)
    assert done.receipt["target"] == target and done.receipt["repo_id"] == REPO
    assert {file["path"] for file in done.receipt["files"]} == set(listed(small))
    assert not hub.requests


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"target": "ftp"}, "publish.target"),
        ({"repo_id": None}, "publish.repo_id"),
        ({"repo_id": "tiny"}, "namespace/name"),
        ({"repo_id": "writer/ti--ny"}, "publish.repo_id"),
        ({"repo_id": "writer/한글"}, "publish.repo_id"),
        ({"endpoint": "http://127.0.0.1:9"}, "publish.endpoint"),
    ],
)
def test_settings_that_cannot_work_are_named(hub, send, small, changes, said):
    done = send(small, **changes)
    assert said in done.error and not done.receipt and not hub.requests
