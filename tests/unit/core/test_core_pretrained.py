"""A setting that names an encoder is understood, or refused with the cure."""

import pytest
from malmoi.errors import InputError
from malmoi.pretrained import check_reference, used_files

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ENCODER = ("config.json", "vocab.txt", "model.safetensors")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with an encoder, a tokenizer, and what is neither."""
    monkeypatch.chdir(tmp_path)
    for folder, names in {
        "encoder": (*ENCODER, "README.md", "optimizer.pt"),
        "tokenizer": ("tokenizer.json",),
        "pickled": ("config.json", "vocab.txt", "pytorch_model.bin"),
        "bare": ("config.json", "vocab.txt"),
        "empty": (),
        "results/model/demo": ENCODER,
    }.items():
        (tmp_path / folder).mkdir(parents=True)
        for name in names:
            (tmp_path / folder / name).write_bytes(b"")
    return tmp_path


def test_folders_and_commits_of_the_hub_are_taken(here):
    check_reference({"model": "encoder"}, weights=True)
    check_reference({"model": str(here / "encoder"), "revision": None}, weights=True)
    check_reference({"model": "tokenizer"}, weights=False)
    check_reference({"model": "some-one/bert.ko", "revision": COMMIT}, weights=True)
    assert [path.name for path in used_files("encoder", weights=True)] == sorted(ENCODER)
    assert [path.name for path in used_files("encoder", weights=False)] == sorted(ENCODER[:2])


@pytest.mark.parametrize(
    ("model", "revision", "message"),
    [
        ("someone/bert", None, "no such folder; as a Hub id it needs revision, the commit of 40"),
        ("someone/bert", "main", "needs revision"),
        ("no/such/folder", COMMIT, "no Hub id, namespace/name"),
        ("../bert", COMMIT, "no Hub id"),
        ("encoder", COMMIT, "a folder here, which has no revision; leave it out"),
        ("empty", None, "neither vocab.txt nor tokenizer.json"),
        ("tokenizer", None, "tokenizer has no config.json"),
        ("bare", None, r"no \*\.safetensors"),
        ("pickled", None, r"a pickle, which can run code.*save_pretrained\(\)"),
        ("results/model/demo", None, "written anew by runs; name a copy"),
    ],
)
def test_others_are_refused(here, model, revision, message):
    with pytest.raises(InputError, match=message):
        check_reference({"model": model, "revision": revision}, weights=True)
