"""Say what publishing a package would do, and write nothing anywhere.

    python -m malmoi.publish.dry_run PACKAGE [--repo-id NAMESPACE/NAME] [--endpoint URL] [--public]
                                             [--pull-request] [--repo-type dataset]

Without ``--repo-id`` only the package is looked at. ``HF_TOKEN`` is used only where the repository cannot be
seen without it. The exit status is 1 where publishing would be refused.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from malmoi.errors import InputError
from malmoi.publish import checksums
from malmoi.publish.checksums import PackageFile
from malmoi.publish.decisions import failed_gates, read_gates
from malmoi.publish.hub_calls import Calls, status_of
from malmoi.publish.hub_changes import Changes, compare
from malmoi.publish.hub_client import PUBLIC_HUB, Deadline, Limits, connect, read_token
from malmoi.publish.hub_repository import Repository, check_name


def describe_package(package: Path, files: Sequence[PackageFile]) -> tuple[list[str], list[str]]:
    """Return lines about files, sizes and gates, and the reasons why publishing would be refused."""
    size = sum(file.size for file in files)
    lines = [f"package {package}: {len(files)} files, {_size(size)}"]
    gates = read_gates(package)
    for gate in gates:
        state = "passed" if gate["passed"] else "overridden" if gate["overridden"] else "FAILED"
        problem = f": {gate['problem']}" if gate.get("problem") else ""
        lines.append(f"  gate {gate['name']:<20} {state}{problem}")
    reasons = [f"gate {name} failed" for name in failed_gates(gates)]
    return lines, reasons if gates else ["no gate was run"]


def describe_changes(
    package: Path,
    files: Sequence[PackageFile],
    *,
    repo_id: str,
    private: bool,
    endpoint: str | None = None,
    pull_request: bool = False,
    repo_type: str = "model",
) -> tuple[list[str], list[str]]:
    """Look at the repository and return lines about what would change, and reasons for a refusal.

    Raises:
        InputError: the repository cannot be looked at, or cannot be published to.
    """
    check_name(repo_id)
    limits = Limits()
    deadline = Deadline(limits.whole)
    token = read_token()
    place = {"repo_id": repo_id, "repo_type": repo_type}

    def speak(token: str | None) -> Calls:
        api = connect(endpoint, token or False, limits, deadline)
        return Calls(api, place, token=token, limits=limits, deadline=deadline)

    calls = speak(None)
    seen = _is_there(calls)
    if not seen and token:
        calls = speak(token)
        seen = _is_there(calls)
        if not seen:
            # What a wrong token cannot see may be there all the same.
            Repository(calls, private).user()
    where = f"{repo_id} at {calls.api.endpoint}"
    wanted = "private" if private else "public"
    if not seen:
        known = "" if token else ", or it is not to be seen without HF_TOKEN"
        lines = [f"repository {where}: not there{known}; it would be created, {wanted}"]
        changes = Changes(upload=tuple(files), delete=(), keep=())
        head = None
    else:
        repository = Repository(calls, private)
        head = repository.head()
        there = repository.tree(head)
        changes = compare(there, package, files)
        lines = [f"repository {where}: {wanted}, at commit {head}"]
        if changes:
            repository.check_owned(head, there)
        if changes and pull_request and token:
            calls = speak(token)
            repository = Repository(calls, private)
            found = repository.pull_request(repository.user(), package, files)
            if found:
                lines.append(f"{found.url} already proposes this package")
                changes = Changes(upload=(), delete=(), keep=tuple(files))
    lines += _files(changes)
    sent = sum(file.size for file in changes.upload)
    kind = "one pull request" if pull_request else "one commit"
    lines.append(
        f"would make {kind}: {len(changes.upload)} files to upload ({_size(sent)}), "
        f"{len(changes.delete)} to delete, {len(changes.keep)} kept"
        if changes
        else "nothing changed: no commit"
    )
    return lines, [] if token else ["HF_TOKEN is not set"]


def _is_there(calls: Calls) -> bool:
    """Return whether the repository exists for this token."""

    def look() -> bool:
        try:
            calls.api.repo_info(**calls.place)
        except Exception as error:
            if status_of(error) in (401, 403, 404):
                return False
            raise
        return True

    return calls.repeat(look, "looking at the repository")


def _files(changes: Changes) -> Iterator[str]:
    for file in changes.upload:
        yield f"  upload  {_size(file.size):>10}  {file.path}"
    for path in changes.delete:
        yield f"  delete  {'':>10}  {path}"
    for file in changes.keep:
        yield f"  keep    {_size(file.size):>10}  {file.path}"


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count:,} B"


def main() -> None:
    """Print what publishing would do; exit with status 1 where it would be refused."""
    parser = argparse.ArgumentParser(
        prog="python -m malmoi.publish.dry_run", description="Say what publishing would do."
    )
    parser.add_argument("package", type=Path, help="folder with SHA256SUMS, results/package/NAME")
    parser.add_argument("--repo-id", help="namespace/name of the repository on the Hub")
    parser.add_argument("--endpoint", help=f"address of the Hub, {PUBLIC_HUB} where not given")
    parser.add_argument("--repo-type", choices=("model", "dataset"), default="model")
    parser.add_argument("--public", action="store_true", help="publish.private is false")
    parser.add_argument("--pull-request", action="store_true", help="propose, do not commit")
    arguments = parser.parse_args()
    try:
        files = checksums.read(arguments.package)
        lines, refused = describe_package(arguments.package, files)
        print("\n".join(lines))
        if arguments.repo_id:
            lines, missing = describe_changes(
                arguments.package,
                files,
                repo_id=arguments.repo_id,
                private=not arguments.public,
                endpoint=arguments.endpoint,
                pull_request=arguments.pull_request,
                repo_type=arguments.repo_type,
            )
            print("\n".join(lines))
            refused += missing
        else:
            print("\n".join(_files(Changes(upload=tuple(files), delete=(), keep=()))))
    except InputError as error:
        refused = [str(error)]
    if refused:
        sys.exit(f"publishing would be refused: {'; '.join(refused)}")


if __name__ == "__main__":
    main()
