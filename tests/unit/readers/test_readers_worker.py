"""A file whose library hangs, dies or eats the memory costs that file and nothing else."""

import io
import os
import signal
import subprocess
import sys
import textwrap
import time
import zipfile

import psutil
import pytest
from malmoi import fingerprint
from malmoi.errors import InputError
from malmoi.readers import worker as worker_module
from malmoi.readers.worker import Worker

#: What stands in for a library: a reader that does what the file's text says.
FAULTY = """
    import ctypes, os, time
    from malmoi.errors import InputError
    from malmoi.readers import files
    from malmoi.readers.record import ReadError, Record

    held = []

    def read(data, name, fields):
        for number, word in enumerate(data.decode().split(), start=1):
            if word == "hang":
                time.sleep(600)
            elif word == "nap":
                time.sleep(0.3)
            elif word == "segfault":
                ctypes.string_at(0)
            elif word == "exit":
                os._exit(3)
            elif word == "eat":
                bytearray(400_000_000)
            elif word == "abort":
                print("terminate called after throwing an instance of 'std::bad_alloc'", flush=True)
                os.abort()
            elif word == "leak":
                held.append(b"x" * 90_000_000)
            elif word == "damaged":
                raise ReadError("truncated_or_damaged", "as the reader says")
            elif word == "mistake":
                raise InputError("the column is not there")
            elif word == "print":
                print("noise " * 1000, flush=True)
                yield Record(text=str(os.getpid()), record=f"line {number}")
            else:
                yield Record(text=word, record=f"line {number}")

    files.READERS["text"] = read
"""


@pytest.fixture
def faulty(tmp_path, monkeypatch):
    """A folder whose text files are read by the faulty reader, in the process of a worker alone."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(textwrap.dedent(FAULTY))
    paths = [str(fingerprint.LIBRARY), str(site)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    raw = tmp_path / "raw"
    raw.mkdir()
    return raw


def read(worker, folder, name, data):
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return [
        (where, record.text or record.reason) for where, _, record in worker.records(path, name)
    ]


def zip_of(members):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return sink.getvalue()


def test_what_fails_is_told_and_the_next_file_is_read(faulty):
    limits = {"max_file_seconds": 2, "max_file_memory_mb": 300}
    with Worker({"name": "a", **limits}) as worker:

        def reason(text):
            return read(worker, faulty, "a.txt", text)[-1][1]

        assert reason("segfault") == "crashed: SIGSEGV"
        assert reason("exit") == "crashed: exit status 3"
        assert reason("eat") == "too_much_memory: more than 300 MB"
        assert reason("abort") == "too_much_memory: more than 300 MB"
        assert reason("hang") == "too_slow: more than 2 s"
        assert reason("damaged") == "truncated_or_damaged: as the reader says"
        assert reason("본문") == "본문"


def test_records_before_a_failure_stay(faulty):
    words = " ".join(f"낱말{number}" for number in range(1000))
    limits = {"max_file_seconds": 2, "max_file_memory_mb": 300}
    with Worker({"name": "a", **limits}) as worker:
        for end in ("segfault", "hang", "eat"):
            found = read(worker, faulty, "a.txt", f"{words} {end} 뒤")
            texts = [text for _, text in found[:-1]]
            # The last few may be on their way when the process dies; the reason names the last that came.
            assert texts == words.split()[: len(texts)]
            assert len(texts) > 900
            assert found[-1][1].endswith(f", after line {len(texts)}")
        found = read(worker, faulty, "a.txt", "하나 둘 damaged")
        assert [text.partition(":")[0] for _, text in found] == [
            "하나",
            "둘",
            "truncated_or_damaged",
        ]


def test_an_archive_goes_on_after_the_member_that_failed(faulty):
    members = {
        "1.txt": "하나",
        "2.txt": "",
        "3.txt": "segfault",
        "4.zip": zip_of({"1.txt": "hang", "2.txt": "둘", "3.txt": "exit"}),
        "5.txt": "damaged",
        "6.txt": "셋 넷",
    }
    with Worker({"name": "a", "max_file_seconds": 2}) as worker:
        found = read(worker, faulty, "a.zip", zip_of(members))
    assert [(where, text.partition(":")[0]) for where, text in found] == [
        ("a.zip!1.txt", "하나"),
        ("a.zip!2.txt", "empty"),
        ("a.zip!3.txt", "crashed"),
        ("a.zip!4.zip!1.txt", "too_slow"),
        ("a.zip!4.zip!2.txt", "둘"),
        ("a.zip!4.zip!3.txt", "crashed"),
        ("a.zip!5.txt", "truncated_or_damaged"),
        ("a.zip!6.txt", "셋"),
        ("a.zip!6.txt", "넷"),
    ]


def test_an_archive_of_failures_is_given_up(faulty, monkeypatch):
    monkeypatch.setattr(worker_module, "MOST_FAILURES", 2)
    members = {f"{number}.txt": "exit" for number in range(5)}
    with Worker({"name": "a"}) as worker:
        found = read(worker, faulty, "a.zip", zip_of(members))
        assert read(worker, faulty, "b.txt", "본문") == [("b.txt", "본문")]
    assert len(found) == 3
    assert found[-1][0] == "a.zip"
    assert "not read" in found[-1][1]


def test_the_time_limit_is_one_of_each_member(faulty):
    members = {f"{number}.txt": "nap nap nap 본문" for number in range(4)}
    with Worker({"name": "a", "max_file_seconds": 3}) as worker:
        found = read(worker, faulty, "a.zip", zip_of(members))
    assert [text for _, text in found] == ["본문"] * 4


def test_one_process_reads_many_files_and_its_output_is_no_record(faulty):
    with Worker({"name": "a", "max_file_memory_mb": 300}) as worker:
        texts = {read(worker, faulty, "a.txt", "print")[0][1] for _ in range(3)}
        assert len(texts) == 1
        # One that keeps memory to itself makes room for another.
        read(worker, faulty, "a.txt", "leak")
        assert read(worker, faulty, "a.txt", "print")[0][1] not in texts


def test_a_process_that_died_between_files_costs_none(faulty):
    with Worker({"name": "a"}) as worker:
        process = psutil.Process(int(read(worker, faulty, "a.txt", "print")[0][1]))
        process.kill()
        while process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        assert read(worker, faulty, "a.txt", "본문") == [("a.txt", "본문")]


def test_mistakes_of_the_user_come_through(faulty):
    with Worker({"name": "a"}) as worker:
        with pytest.raises(InputError, match=r"the column is not there"):
            read(worker, faulty, "a.txt", "mistake")
        assert read(worker, faulty, "a.txt", "본문") == [("a.txt", "본문")]
    with Worker({"name": "a", "format": "docx"}) as worker, pytest.raises(InputError, match="docx"):
        read(worker, faulty, "a.txt", "본문")


def test_an_installation_that_cannot_read_blames_no_file(faulty):
    (faulty.parent / "site" / "sitecustomize.py").write_text(
        "import sys; sys.modules['lxml'] = None"
    )
    with Worker({"name": "a"}) as worker, pytest.raises(RuntimeError, match="lxml"):
        read(worker, faulty, "a.txt", "본문")


def test_no_module_beside_the_documents_is_taken(faulty, monkeypatch):
    (faulty / "json.py").write_text("raise SystemExit('the wrong json')")
    monkeypatch.chdir(faulty)
    with Worker({"name": "a"}) as worker:
        assert read(worker, faulty, "a.txt", "본문") == [("a.txt", "본문")]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_no_process_is_left_behind(faulty, number):
    (faulty / "a.txt").write_text("print")
    (faulty / "b.txt").write_text("hang")
    # What a shell starts in the background is made to pass over SIGINT; a run in a terminal is not.
    code = """
        import signal
        import sys
        from pathlib import Path
        from malmoi.readers.worker import Worker
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with Worker({"name": "a"}) as worker:
            for name in ("a.txt", "b.txt"):
                for _, _, record in worker.records(Path(sys.argv[1]) / name, name):
                    print(record.text, flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(faulty)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.ppid() == parent.pid
        parent.send_signal(number)
        assert parent.wait(10) != 0
    psutil.wait_procs([child], timeout=10)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
