"""What can go wrong at a Hub: a clear message, nothing half-published, and a rerun that completes."""

import pytest
from tools.hub_sequences import run_sequence
from tools.hub_server import StoredFile

TOKEN = "hf_markedTokenOfTheTests"
REPO = "writer/tiny-bert"

#: Sequences of random faults; the benchmark runs more of them.
SEQUENCES = 20


def commits(hub) -> int:
    return len(hub.repositories[REPO].commits) if REPO in hub.repositories else 0


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("", "HF_TOKEN is not set"),
        ("hf_wrong", "not accepted"),
        ("hf_reader", "may only read"),
        ("hf two", "holds spaces"),
    ],
)
def test_a_token_that_cannot_write_is_named_before_anything_is_made(hub, send, small, token, said):
    done = send(small, token=token)
    assert said in done.error and not done.receipt and not hub.repositories
    assert not token or token not in done.error
    assert send(small).receipt


def test_a_namespace_of_somebody_else_is_refused(hub, send, small):
    done = send(small, repo_id="somebody/tiny")
    assert "no right to write" in done.error and not done.receipt and not hub.repositories


@pytest.mark.parametrize(
    ("route", "status", "said"),
    [
        ("create", 402, "the quota or the plan"),
        ("preupload", 413, "the quota"),
        ("commit", 413, "the quota"),
        ("commit", 403, "no right to write"),
        ("commit", 401, "not accepted"),
    ],
)
def test_a_refusal_leaves_the_old_revision_and_a_rerun_completes(
    hub, send, small, route, status, said
):
    hub.fail(route, status=status)
    done = send(small)
    assert said in done.error and "injected fault" in done.error and not done.receipt
    assert commits(hub) <= 1
    assert send(small).receipt and commits(hub) == 2


@pytest.mark.parametrize(
    ("route", "how"),
    [
        *((route, {"status": 503}) for route in ("whoami", "create", "tree", "upload", "resolve")),
        *((route, {"drop": "before"}) for route in ("info", "validate_yaml", "commit", "tag")),
        *((route, {"drop": "after"}) for route in ("create", "upload", "tag")),
    ],
)
def test_an_error_that_passes_is_tried_again(hub, send, small, route, how):
    hub.fail(route, **how)
    done = send(small)
    assert done.receipt, done.error
    assert commits(hub) == 2 and not hub.faults


@pytest.mark.parametrize("route", ["commit", "validate_yaml", "info"])
def test_the_error_page_of_a_proxy_is_tried_again(hub, send, small, route):
    hub.fail(route, status=502, page=True)
    assert send(small).receipt and commits(hub) == 2


@pytest.mark.parametrize("route", ["info", "upload", "commit"])
def test_a_server_that_asks_for_time_gets_it(hub, send, small, route):
    hub.fail(route, status=429, headers={"Retry-After": "37"})
    done = send(small)
    assert done.receipt and 37 <= done.waited < 40


@pytest.mark.parametrize("route", ["info", "upload", "commit"])
@pytest.mark.parametrize("headers", [{"Retry-After": "86400"}, {"RateLimit": '"api";r=0;t=86400'}])
def test_one_that_asks_for_a_day_gets_a_rerun(hub, send, small, route, headers):
    hub.fail(route, status=429, headers=headers)
    done = send(small)
    assert "no further request for 86400 s" in done.error and not done.receipt
    assert done.waited < 1 and commits(hub) == 1
    assert send(small).receipt and commits(hub) == 2


@pytest.mark.parametrize("route", ["info", "upload", "commit"])
def test_one_that_does_not_answer_is_not_waited_for_for_ever(hub, send, small, route):
    hub.fail(route, delay=0.6)
    done = send(small, limits={"silence": 0.3})
    assert done.receipt, done.error
    assert commits(hub) == 2


def test_a_publish_that_takes_too_long_altogether_is_given_up(hub, send, small):
    hub.fail("info", status=503, times=100, headers={"Retry-After": "300"})
    done = send(small, limits={"whole": 200.0})
    assert "was not done after 0.0556 h" in done.error and not done.receipt
    hub.faults.clear()
    assert send(small).receipt


def test_a_server_that_fails_for_good_is_given_up(hub, send, small):
    hub.fail("commit", status=500, times=100)
    done = send(small)
    assert "committing failed" in done.error and "run again" in done.error and commits(hub) == 1
    hub.faults.clear()
    assert send(small).receipt and commits(hub) == 2


@pytest.mark.parametrize("how", [{"drop": "after"}, {"status": 500, "done": True}])
def test_a_commit_whose_answer_is_lost_is_found_and_not_made_twice(hub, send, small, how):
    hub.fail("commit", **how)
    done = send(small)
    assert done.receipt["revision"] == hub.repositories[REPO].head.oid
    assert commits(hub) == 2
    assert [name for _, name in hub.requests].count("commit") == 1


def test_a_commit_of_somebody_else_in_between_is_not_overwritten(hub, send, small):
    def meddle():
        head = hub.repositories[REPO].head
        hub.repositories[REPO].add("meanwhile", {**head.files, "x.txt": StoredFile(b"x", False)})

    hub.fail("commit", before=meddle)
    done = send(small)
    assert "by somebody else" in done.error and not done.receipt and commits(hub) == 2


@pytest.mark.parametrize("how", [{"corrupt": True}, {"truncate": True}])
def test_content_that_comes_back_changed_gets_no_receipt(hub, send, small, how):
    hub.fail("resolve", times=100, **how)
    done = send(small)
    assert not done.receipt
    assert "is not what was uploaded" in done.error or "reading" in done.error
    hub.faults.clear()
    assert send(small).receipt and commits(hub) == 2


def test_the_token_is_in_no_output_and_goes_to_no_other_server(hub, send, small, publisher):
    # The client's own warning would print the signed address, ours what the server says.
    hub.fail("upload", status=503)
    hub.fail("commit", status=500, headers={"X-Error-Message": f"no luck with {TOKEN}"})
    hub.fail("tag", status=403, headers={"X-Error-Message": f"no {TOKEN}"})
    done = send(small)
    assert "no luck with ***" in done.output and "no ***" in done.error
    for path in [*publisher.folder.rglob("*"), *small.rglob("*")]:
        assert not path.is_file() or TOKEN not in path.read_text(errors="replace"), path
    assert TOKEN not in done.log + done.output + done.error
    assert "signature=" not in done.log + done.output + done.error


def test_a_hub_that_wants_the_token_sent_elsewhere_does_not_get_it(hub, send, small, monkeypatch):
    elsewhere = hub.url.replace("127.0.0.1", "localhost")
    hub.fail("batch", before=lambda: monkeypatch.setattr(hub, "url", elsewhere))
    done = send(small)
    assert "asks for the token to be sent to http://localhost; it was not" in done.error
    assert commits(hub) == 1


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_any_sequence_of_faults_leaves_the_old_revision_or_the_new(
    hub, publisher, small, newer, seed
):
    outcome = run_sequence(hub, publisher, (small, newer), TOKEN, seed)
    assert outcome.half == outcome.repeated == outcome.noop_commits == 0, outcome
    assert not outcome.unfinished and not outcome.leaks, outcome
