"""A conda channel in a folder: this machine's Python and the pip that came with it, packed anew.

Enough for environments of ``python``, ``pip`` and pip pins, which is what ``envs/`` holds; of conda-forge's own
packages it proves nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import json
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

#: What stands in text files where the environment's folder will stand; as long as conda makes such.
_PLACEHOLDER = "/opt/" + "placehold_" * 20 + "p"

#: Parts of the standard library's folder that no stage needs.
_LEFT_OUT = ("site-packages", "test", "idlelib", "turtledemo", "__pycache__", "lib2to3")


def missing() -> str | None:
    """Return why no channel can be made here, None where it can."""
    if importlib.util.find_spec("rattler") is None:
        return "no py-rattler: pip install -r requirements-dev.txt"
    if not sys.platform.startswith("linux"):
        return "only Linux's Python is packed anew"
    return None if _pip_wheel() else "this Python came without pip's wheel (ensurepip)"


def build_channel(folder: Path) -> None:
    """Make ``folder`` a channel that holds packages ``python`` and ``pip``."""
    from rattler.index import index_fs

    for name, stage in (("python", _stage_python), ("pip", _stage_pip)):
        root = folder / "stage" / name
        root.mkdir(parents=True)
        _pack(root, folder, stage(root))
    shutil.rmtree(folder / "stage")
    asyncio.run(index_fs(folder, write_zst=False, write_shards=False))


def _stage_python(root: Path) -> dict[str, Any]:
    """Copy the running Python without what is installed in it; return what the index says of it."""
    base, name = Path(sys.base_prefix), "python{}.{}".format(*sys.version_info)
    library = Path("lib", name)
    shutil.copytree(
        base / library,
        root / library,
        symlinks=True,
        ignore=shutil.ignore_patterns(*_LEFT_OUT, "config-*"),
    )
    (root / library / "site-packages").mkdir()
    # DeepSpeed compiles against these.
    shutil.copytree(base / "include" / name, root / "include" / name)
    # Where it has a shared library, it finds that by the path it was built with.
    program = root / "bin" / name
    program.parent.mkdir()
    shutil.copy2(base / "bin" / name, program)
    for link in ("python", "python3"):
        (root / "bin" / link).symlink_to(name)
    version = "{}.{}.{}".format(*sys.version_info)
    return {"name": "python", "version": version, "depends": [], "subdir": "linux-64"}


def _stage_pip(root: Path) -> dict[str, Any]:
    """Unpack pip's wheel; return what the index says of it."""
    wheel = _pip_wheel()
    assert wheel is not None
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(root / "site-packages")
    (root / "info").mkdir()
    link = {"noarch": {"type": "python", "entry_points": ["pip = pip._internal.cli.main:main"]}}
    _write_json(root / "info" / "link.json", link | {"package_metadata_version": 1})
    version = wheel.name.split("-")[1]
    about = {"name": "pip", "version": version, "depends": ["python"], "subdir": "noarch"}
    return about | {"noarch": "python"}


def _pip_wheel() -> Path | None:
    library = Path(sys.base_prefix, "lib", "python{}.{}".format(*sys.version_info))
    return next(library.glob("ensurepip/_bundled/pip-*.whl"), None)


def _pack(root: Path, channel: Path, about: dict[str, Any]) -> None:
    """Write a package of the files under ``root`` into its folder of the channel."""
    files = sorted(path for path in root.rglob("*") if path.is_symlink() or not path.is_dir())
    entries = [_entry(path, root) for path in files if path.relative_to(root).parts[0] != "info"]
    info = root / "info"
    info.mkdir(exist_ok=True)
    _write_json(info / "index.json", about | {"build": "0", "build_number": 0})
    _write_json(info / "paths.json", {"paths": entries, "paths_version": 1})
    target = channel / about["subdir"]
    target.mkdir(exist_ok=True)
    with tarfile.open(
        target / f"{about['name']}-{about['version']}-0.tar.bz2", "w:bz2", compresslevel=1
    ) as package:
        for path in sorted(root.iterdir()):
            package.add(path, arcname=path.name)


def _entry(path: Path, root: Path) -> dict[str, Any]:
    """Return what conda's list of files says of one; its own folder's name gives way to a placeholder."""
    entry: dict[str, Any] = {"_path": path.relative_to(root).as_posix()}
    if path.is_symlink():
        return entry | {"path_type": "softlink"}
    content, base = path.read_bytes(), sys.base_prefix.encode()
    if b"\0" not in content and base in content:
        content = content.replace(base, _PLACEHOLDER.encode())
        path.write_bytes(content)
        entry |= {"prefix_placeholder": _PLACEHOLDER, "file_mode": "text"}
    digest = hashlib.sha256(content).hexdigest()
    return entry | {"path_type": "hardlink", "sha256": digest, "size_in_bytes": len(content)}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
