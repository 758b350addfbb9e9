"""An encoder on the Hub comes with what is read of it, proven by its commit, or is refused before it comes."""

import pytest
from malmoi.errors import InputError
from malmoi.readers import download
from malmoi.readers.download import fetch_encoder
from tools.hub_server import HubServer, StoredFile

FILES = {
    "config.json": b"{}",
    "vocab.txt": b"[PAD]\n",
    "model.safetensors": bytes(range(256)) * 100,
    "README.md": b"a card",
    "onnx/model.safetensors": b"another form",
    "pytorch_model.bin": b"a pickle",
}
NAME = "someone/bert"


@pytest.fixture
def hub(monkeypatch):
    monkeypatch.setattr(download, "WAITS", (0.0, 0.0))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)
    with HubServer({"hf_s3cret": "someone"}) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_TOKEN", "hf_s3cret")
        server.create(NAME, private=True)
        yield server


def commit(hub, files):
    stored = {name: StoredFile(content, "safetensors" in name) for name, content in files.items()}
    return hub.repositories[NAME].add("weights", stored).oid


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_read_of_a_commit_comes(hub, tmp_path):
    revision = commit(hub, FILES)
    commit(hub, FILES | {"vocab.txt": b"newer"})
    hub.fail("info", status=503)
    fetch_encoder(NAME, revision, True, tmp_path / "encoder")
    names = ("config.json", "model.safetensors", "vocab.txt")
    assert contents(tmp_path / "encoder") == {name: FILES[name] for name in names}
    fetch_encoder(NAME, revision, False, tmp_path / "tokenizer")
    assert contents(tmp_path / "tokenizer").keys() == {"config.json", "vocab.txt"}


def test_what_cannot_be_used_is_refused(hub, tmp_path, monkeypatch):
    pickled = commit(hub, {name: FILES[name] for name in FILES if "safetensors" not in name})
    with pytest.raises(InputError, match="someone/bert: its weights are a pickle"):
        fetch_encoder(NAME, pickled, True, tmp_path)
    with pytest.raises(InputError, match="40 hexadecimal"):
        fetch_encoder(NAME, "main", True, tmp_path)
    with pytest.raises(InputError, match="404"):
        fetch_encoder(NAME, "f" * 40, True, tmp_path)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(InputError, match=r"401.*HF_TOKEN"):
        fetch_encoder(NAME, pickled, False, tmp_path)
    hub.fail("info", status=503, times=9)
    with pytest.raises(InputError, match="503; run again later"):
        fetch_encoder(NAME, pickled, False, tmp_path)
    assert not contents(tmp_path)
