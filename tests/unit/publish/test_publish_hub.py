"""Publishing with the real client against a Hub of our own; each publish is a process of its own."""

import json
import shutil

import pytest
from malmoi.publish import checksums
from tools.hub_server import HubServer, StoredFile

TOKEN = "hf_markedTokenOfTheTests"
REPO = "writer/tiny-bert"


@pytest.fixture
def hub():
    with HubServer({TOKEN: "writer", "hf_reader": "writer"}, {"hf_reader": "read"}) as server:
        yield server


def settings(hub, **changes) -> dict:
    return {"target": "hub", "repo_id": REPO, "private": True, "endpoint": hub.url, **changes}


def commits(hub) -> int:
    return len(hub.repositories[REPO].commits) if REPO in hub.repositories else 0


def test_one_commit_holds_the_package_and_the_receipt_says_so(hub, publish, package):
    done, receipt = publish(settings(hub), TOKEN)
    assert done.returncode == 0, done.stderr
    repository = hub.repositories[REPO]
    files = checksums.read(package)
    assert repository.private and commits(hub) == 2
    held = {path: file.sha256 for path, file in repository.head.files.items()}
    del held[".gitattributes"]
    assert held == {file.path: file.sha256 for file in files}
    assert receipt["revision"] == repository.head.oid
    assert repository.tags == {files[-1].sha256[:12]: repository.head.oid}
    assert receipt["tag"] in repository.tags
    assert [file["path"] for file in receipt["files"]] == [file.path for file in files]

    hub.requests.clear()
    done, again = publish(settings(hub), TOKEN)
    assert done.returncode == 0, done.stderr
    assert commits(hub) == 2 and again == receipt
    assert not {name for _, name in hub.requests} & {"preupload", "batch", "upload", "commit"}


def test_a_stranger_loads_the_published_model(hub, publish, python):
    assert publish(settings(hub, private=False), TOKEN)[0].returncode == 0
    code = (
        "import sys\n"
        "from transformers import AutoModel, AutoTokenizer\n"
        "model = AutoModel.from_pretrained(sys.argv[1], revision=sys.argv[2])\n"
        "tokenizer = AutoTokenizer.from_pretrained(sys.argv[1], revision=sys.argv[2])\n"
        "print(type(model).__name__, tokenizer.tokenize('법원 판결'))\n"
    )
    (tag,) = hub.repositories[REPO].tags
    done = python(code, REPO, tag, HF_ENDPOINT=hub.url)
    assert done.stdout.strip() == "BertModel ['법', '##원', '판', '##결']", done.stderr


def test_files_gone_from_the_package_go_from_the_repository(hub, publish, package, tmp_path):
    earlier = shutil.copytree(package, tmp_path / "earlier")
    (earlier / "old.txt").write_text("old", encoding="utf-8")
    checksums.write(earlier)
    assert publish(settings(hub), TOKEN, earlier)[0].returncode == 0
    assert "old.txt" in hub.repositories[REPO].head.files
    assert publish(settings(hub), TOKEN)[0].returncode == 0
    assert "old.txt" not in hub.repositories[REPO].head.files
    assert commits(hub) == 3 and len(hub.repositories[REPO].tags) == 2


def test_the_token_is_in_no_output(hub, publish, tmp_path):
    # The client's own warning would print the signed address, ours what the server says.
    hub.fail("upload", status=503)
    hub.fail("commit", status=500, headers={"X-Error-Message": f"no luck with {TOKEN}"})
    done, _ = publish(settings(hub), TOKEN)
    assert done.returncode == 0 and "no luck with" in done.stderr, done.stderr
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"published.json", "publish.log"} <= {path.name for path in written}
    for text in (done.stdout, done.stderr, *(p.read_text(errors="replace") for p in written)):
        assert TOKEN not in text and "signature=" not in text


@pytest.mark.parametrize(
    ("token", "said"),
    [("", "HF_TOKEN is not set"), ("hf_wrong", "not accepted"), ("hf_reader", "may only read")],
)
def test_a_token_that_cannot_write_is_named_before_anything_is_made(hub, publish, token, said):
    done, receipt = publish(settings(hub), token)
    assert done.returncode == 1 and said in done.stderr
    assert receipt is None and not hub.repositories
    assert not token or token not in done.stderr


def test_a_public_repository_is_not_written_to_when_the_config_says_private(hub, publish):
    hub.create(REPO, private=False)
    done, receipt = publish(settings(hub), TOKEN)
    assert done.returncode == 1 and "exists and is public" in done.stderr
    assert receipt is None and commits(hub) == 1


def test_a_namespace_of_somebody_else_is_refused(hub, publish):
    done, receipt = publish(settings(hub, repo_id="other/tiny"), TOKEN)
    assert done.returncode == 1 and "no right to write" in done.stderr and receipt is None


def test_a_repository_with_files_of_others_is_left_alone(hub, publish):
    repository = hub.create(REPO, private=True)
    repository.add(
        "by hand", {**repository.head.files, "pytorch_model.bin": StoredFile(b"x", False)}
    )
    done, receipt = publish(settings(hub), TOKEN)
    assert done.returncode == 1 and "pytorch_model.bin" in done.stderr
    assert receipt is None and commits(hub) == 2


def test_a_commit_whose_answer_is_lost_is_found_and_not_made_twice(hub, publish):
    hub.fail("commit", drop=True)
    done, receipt = publish(settings(hub), TOKEN)
    assert done.returncode == 0, done.stderr
    assert commits(hub) == 2 and receipt["revision"] == hub.repositories[REPO].head.oid


@pytest.mark.parametrize(
    "route", ["whoami", "create", "info", "upload", "commit", "tag", "resolve"]
)
def test_an_error_that_passes_is_tried_again(hub, publish, route):
    hub.fail(route, status=503)
    done, receipt = publish(settings(hub), TOKEN)
    assert done.returncode == 0, done.stderr
    assert receipt and commits(hub) == 2


def test_content_that_comes_back_changed_gets_no_receipt(hub, publish):
    hub.fail("resolve", corrupt=True, times=100)
    done, receipt = publish(settings(hub), TOKEN)
    assert done.returncode == 1 and "is not what was uploaded" in done.stderr
    assert receipt is None


def test_a_commit_of_somebody_else_in_between_is_not_overwritten(hub, publish):
    def meddle():
        head = hub.repositories[REPO].head
        hub.repositories[REPO].add("meanwhile", {**head.files, "x.txt": StoredFile(b"x", False)})

    hub.fail("commit", before=meddle)
    done, receipt = publish(settings(hub), TOKEN)
    assert done.returncode == 1 and "by somebody else" in done.stderr
    assert receipt is None and commits(hub) == 2


def test_a_tag_that_stands_for_other_files_is_not_believed(hub, publish, package):
    repository = hub.create(REPO, private=True)
    repository.tags[checksums.read(package)[-1].sha256[:12]] = repository.head.oid
    done, receipt = publish(settings(hub), TOKEN)
    assert done.returncode == 1 and "which holds other files" in done.stderr and receipt is None


def test_a_refused_commit_leaves_the_old_revision_and_a_rerun_completes(hub, publish):
    hub.fail("commit", status=403)
    done, receipt = publish(settings(hub), TOKEN)
    assert done.returncode == 1 and "committing failed" in done.stderr
    assert receipt is None and commits(hub) == 1
    assert publish(settings(hub), TOKEN)[1] is not None
    assert commits(hub) == 2


def test_a_package_changed_after_its_gates_is_refused(hub, publish, package, tmp_path):
    folder = shutil.copytree(package, tmp_path / "copy")
    (folder / "vocab.txt").write_text("[PAD]\n", encoding="utf-8")
    done, receipt = publish(settings(hub), TOKEN, folder)
    assert done.returncode == 1 and "changed after packaging" in done.stderr
    assert receipt is None and not hub.requests


def test_a_package_with_a_failed_gate_is_refused(hub, publish, package, tmp_path):
    folder = shutil.copytree(package, tmp_path / "copy")
    decided = json.loads((folder / "gates.json").read_text())
    decided[0] |= {"passed": False}
    (folder / "gates.json").write_text(json.dumps(decided))
    checksums.write(folder)
    done, receipt = publish(settings(hub), TOKEN, folder)
    assert done.returncode == 1 and "did not pass its gates (loads)" in done.stderr
    assert receipt is None and not hub.requests


@pytest.mark.parametrize("target", ["none", "folder"])
def test_other_targets_need_no_network_and_list_the_files(publish, package, target):
    done, receipt = publish({"target": target, "repo_id": REPO})
    assert done.returncode == 0, done.stderr
    assert receipt["target"] == target and receipt["repo_id"] == REPO
    assert {file["path"] for file in receipt["files"]} == {path.name for path in package.iterdir()}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"target": "ftp"}, "publish.target"),
        ({"repo_id": None}, "publish.repo_id"),
        ({"repo_id": "tiny"}, "namespace/name"),
    ],
)
def test_settings_that_cannot_work_are_named(hub, publish, changes, said):
    done, receipt = publish(settings(hub, **changes), TOKEN)
    assert done.returncode == 1 and said in done.stderr and receipt is None
