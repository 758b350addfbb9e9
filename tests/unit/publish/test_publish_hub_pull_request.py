"""Publishing as a pull request: the branch stays as it is until its readers merge."""

from tools.hub_sequences import put
from tools.hub_server import StoredFile

REPO = "writer/tiny-bert"


def held(commit) -> set[str]:
    return {file.sha256 for path, file in commit.files.items() if path != ".gitattributes"}


def test_the_commit_goes_to_a_pull_request_that_the_receipt_names(hub, send, small, newer):
    send(small)
    repository = hub.repositories[REPO]
    main, tags = repository.head, dict(repository.tags)
    done = send(newer, pull_request=True)
    (request,) = repository.pull_requests
    assert request.author == "writer" and repository.head is main and repository.tags == tags
    assert done.receipt["pull_request"] == f"{hub.url}/{REPO}/discussions/1"
    assert done.receipt["revision"] == request.commit.oid and done.receipt["tag"] is None
    assert held(request.commit) == {file["sha256"] for file in done.receipt["files"]}


def test_an_open_one_of_the_same_content_is_used_again(hub, send, small):
    receipt = send(small, pull_request=True).receipt
    hub.requests.clear()
    assert send(small, pull_request=True).receipt == receipt
    assert len(hub.repositories[REPO].pull_requests) == 1
    assert not {name for _, name in hub.requests} & {"preupload", "batch", "upload", "commit"}


def test_others_and_closed_and_outdated_ones_are_not(hub, send, small, newer):
    repository = hub.create(REPO, private=True)
    files = put(hub, repository, small).files
    del repository.commits[1:]
    repository.propose("other", "theirs", files)
    repository.propose("writer", "closed", files).status = "closed"
    repository.propose("writer", "outdated", {"x.txt": StoredFile(b"x", False)})
    done = send(small, pull_request=True)
    assert done.receipt["pull_request"].endswith("/discussions/4"), done.error


def test_after_the_merge_the_package_is_published_and_tagged(hub, send, small):
    send(small, pull_request=True)
    repository = hub.repositories[REPO]
    merged = repository.merge(1)
    receipt = send(small, pull_request=True).receipt
    assert receipt["pull_request"] is None and receipt["revision"] == merged.oid
    assert repository.tags == {receipt["tag"]: merged.oid} and len(repository.pull_requests) == 1


def test_a_lost_answer_does_not_open_a_second_one(hub, send, small):
    hub.fail("commit", drop="after")
    done = send(small, pull_request=True)
    assert done.receipt["pull_request"].endswith("/discussions/1"), done.error
    assert len(hub.repositories[REPO].pull_requests) == 1


def test_a_commit_that_outlasts_the_wait_for_its_answer_is_found(hub, send, small):
    hub.fail("commit", delay=0.5)
    # The second look comes half a second after the first.
    done = send(small, pull_request=True, limits={"silence": 0.3, "waits": [500.0]})
    assert done.receipt, done.error
    assert len(hub.repositories[REPO].pull_requests) == 1


def test_who_may_not_write_may_propose(hub, send, small, newer):
    send(small, private=False)
    repository = hub.repositories[REPO]
    refused = send(newer, token="hf_other", private=False)
    assert "no right to write" in refused.error and not refused.receipt
    done = send(newer, token="hf_other", private=False, pull_request=True)
    assert done.receipt, done.error
    assert [request.author for request in repository.pull_requests] == ["other"]
