"""Git LFS at a small Hub for tests: batch, upload in one piece or in parts, completion, verification."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tools.hub_request import Request


class LargeFiles(Request):
    """The routes of Git LFS: a method per route, ``_`` and its name."""

    def _batch(self, repo: str) -> None:
        # The request does not say whether a pull request is to come of it.
        if not self.writable(repo, proposed=True):
            return
        used = sum(map(len, self.hub.objects.values()))
        objects = []
        for asked in json.loads(self.body)["objects"]:
            answer = {"oid": asked["oid"], "size": asked["size"]}
            if asked["oid"] not in self.hub.objects:
                used += asked["size"]
                if self.hub.quota is not None and used > self.hub.quota:
                    answer["error"] = {"code": 507, "message": "Storage limit reached"}
                else:
                    verify = f"{self.hub.url}/api/lfs-verify"
                    upload = self._upload_action(asked["oid"], asked["size"])
                    answer["actions"] = {"upload": upload, "verify": {"href": verify}}
            objects.append(answer)
        self.json({"objects": objects})

    def _upload_action(self, oid: str, size: int) -> dict[str, Any]:
        signature = f"?signature=signed-{oid[:8]}"
        address, part = f"{self.hub.url}/lfs/{oid}", self.hub.part_size
        if part is None or size <= part:
            return {"href": address + signature}
        numbers = range(1, -(-size // part) + 1)
        parts = {str(number): f"{address}/{number}{signature}" for number in numbers}
        return {
            "href": f"{address}/complete{signature}",
            "header": {"chunk_size": str(part), **parts},
        }

    def _is_signed(self, oid: str) -> bool:
        signed = self.query.get("signature") == [f"signed-{oid[:8]}"]
        if not signed:
            self.error(403, "the address is not signed")
        elif self.token:
            self.error(400, "the token does not belong here")
        return signed and not self.token

    def _store(self, oid: str, content: bytes) -> None:
        if hashlib.sha256(content).hexdigest() != oid:
            self.error(400, "the content is not what its checksum says")
        else:
            self.hub.objects[oid] = content
            self.send(200, b"", {})

    def _upload(self, oid: str) -> None:
        if self._is_signed(oid):
            self._store(oid, self.body)

    def _part(self, oid: str, number: str) -> None:
        if self._is_signed(oid):
            self.hub.parts[oid, int(number)] = self.body
            etag = hashlib.md5(self.body).hexdigest()
            self.send(200, b"", {"ETag": f'"{etag}"'})

    def _complete(self, oid: str) -> None:
        asked = json.loads(self.body)
        parts = {number: body for (of, number), body in self.hub.parts.items() if of == oid}
        named = {part["partNumber"]: part["etag"].strip('"') for part in asked["parts"]}
        if not self._is_signed(oid):
            return
        if named != {number: hashlib.md5(body).hexdigest() for number, body in parts.items()}:
            self.error(400, "a part is missing or not what its etag says")
            return
        self._store(oid, b"".join(parts[number] for number in sorted(parts)))
        for number in parts:
            del self.hub.parts[oid, number]

    def _verify(self) -> None:
        asked = json.loads(self.body)
        content = self.hub.objects.get(asked["oid"])
        if self.user() is None:
            self.error(401, "Invalid username or password.")
        elif content is None or len(content) != asked["size"]:
            self.error(404, "no such object")
        else:
            self.json({})
