"""Downloads against a server in the test, never the network."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import resource
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from abawbench.base.problems import ProblemError
from abawbench.base.run_lock import LOCK, WORKERS, only_run
from abawbench.datasets.fetch import SETS, Set, Source, cache, fetch, fetched, sets, store
from tests.damage import changed_fields, outcome

BODY = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(BODY).hexdigest()


@dataclass
class Behaviour:
    """What the server does, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: int | None = None
    cuts: int = 0
    knows_ranges: bool = True
    lies_about_range: bool = False
    tag: str | None = '"one"'
    status: dict[str, list[int]] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    ranges: list[tuple[str, str | None]] = field(default_factory=list)
    length: str | None = None
    encoding: str | None = None
    is_chunked: bool = False


class Handler(BaseHTTPRequestHandler):
    behaviour: Behaviour

    def log_message(self, format, *arguments):  # noqa: A002
        del format, arguments

    def do_GET(self):
        told = self.behaviour
        name = self.path.lstrip("/")
        told.ranges.append((name, self.headers.get("Range")))
        if told.status.get(name):
            self.send_error(told.status[name].pop(0))
            return
        if name in told.redirects:
            self.send_response(302)
            self.send_header("Location", told.redirects[name])
            self.end_headers()
            return
        if name not in told.files:
            self.send_error(404)
            return
        body, first = told.files[name], 0
        asked = self.headers.get("Range")
        fits = self.headers.get("If-Range") in {None, told.tag}
        if asked and told.knows_ranges and fits:
            first = int(asked.removeprefix("bytes=").rstrip("-"))
            if first >= len(body):
                self.send_error(416)
                return
            self.send_response(206)
            shift = 7 if told.lies_about_range else 0
            self.send_header("Content-Range", f"bytes {first + shift}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        if told.is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", told.length or str(len(body) - first))
        if told.encoding:
            self.send_header("Content-Encoding", told.encoding)
        if told.tag:
            self.send_header("ETag", told.tag)
        self.end_headers()
        rest = body[first:]
        if told.cut_after is not None and told.cuts > 0:
            told.cuts -= 1
            self.wfile.write(rest[: told.cut_after])
            self.wfile.flush()
            self.connection.shutdown(2)
            return
        with contextlib.suppress(ConnectionError):
            if told.is_chunked:
                for begin in range(0, len(rest), 1 << 16):
                    part = rest[begin : begin + (1 << 16)]
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                rest = b"0\r\n\r\n"
            self.wfile.write(rest)


@pytest.fixture
def server():
    behaviour = Behaviour(files={"big.bin": BODY, "LICENSE": b"free\n"})
    handler = type("Told", (Handler,), {"behaviour": behaviour})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    behaviour.address = f"http://127.0.0.1:{http.server_port}"
    yield behaviour
    http.shutdown()
    http.server_close()


@pytest.fixture
def small(server, tmp_path, monkeypatch):
    """A set of two files on the server, one pinned, and an empty cache."""
    monkeypatch.setenv(store.VARIABLE, str(tmp_path / "cache"))
    return use(
        monkeypatch,
        Source("big.bin", f"{server.address}/big.bin", SHA256, len(BODY), "the test"),
        Source("LICENSE", f"{server.address}/LICENSE", None, None, "the test"),
    )


def use(monkeypatch, *files, listing=None):
    item = Set("small", "a small set", "MIT", "The test.", "http://example.invalid/small", files, listing)
    monkeypatch.setattr(sets, "SETS", {"small": item})
    return item


def get(**options):
    return fetch("small", pause_s=0, **options)


def rules(error):
    return [problem.rule for problem in error.value.problems]


def leftovers(folder: Path) -> list[str]:
    names = sorted(path.name for path in folder.iterdir() if path.name.startswith((".", "tmp")))
    return [name for name in names if name not in {LOCK, WORKERS}]


def test_a_set_is_downloaded_checked_and_recorded(small):
    got = get()
    assert got.folder == cache() / "small"
    assert (got.folder / "big.bin").read_bytes() == BODY
    assert got.new == ("big.bin", "LICENSE")
    assert got.unchecked == ("LICENSE",)
    record = json.loads((got.folder / "fetched.json").read_text())
    assert record["files"]["big.bin"]["sha256"] == SHA256
    assert record["files"]["LICENSE"]["checked"] == "nothing"
    assert record["licence"] == "MIT"
    assert leftovers(got.folder) == []


def test_what_is_there_is_not_asked_for_again(small, server):
    get()
    server.ranges.clear()
    assert get().new == ()
    assert server.ranges == []


def test_fetched_is_the_folder_only_of_a_whole_set(small, server):
    assert fetched("small") is None
    del server.files["LICENSE"]
    with pytest.raises(ProblemError, match="D21"):
        get()
    assert (cache() / "small" / "big.bin").is_file()
    assert fetched("small") is None
    server.files["LICENSE"] = b"free\n"
    assert get().new == ("LICENSE",)
    assert fetched("small") == cache() / "small"
    (cache() / "small" / "big.bin").write_bytes(BODY[:-1])
    assert fetched("small") is None


def test_a_cut_connection_is_resumed_in_the_same_run(small, server):
    server.cut_after, server.cuts = 300_000, 2
    assert (get().folder / "big.bin").read_bytes() == BODY
    asked = [told for name, told in server.ranges if name == "big.bin"]
    assert asked[0] is None
    assert len(asked) == 3
    starts = [int(told.removeprefix("bytes=").rstrip("-")) for told in asked[1:]]
    assert 0 < starts[0] < starts[1] <= 600_000


def test_a_download_that_failed_goes_on_in_the_next_run(small, server):
    server.cut_after, server.cuts = 200_000, 4
    with pytest.raises(ProblemError) as error:
        get()
    assert rules(error) == ["D21"]
    assert "bytes are kept" in error.value.problems[0].fix
    assert not (cache() / "small" / "big.bin").exists()
    server.ranges.clear()
    get()
    assert (cache() / "small" / "big.bin").read_bytes() == BODY
    assert server.ranges[0][1].startswith("bytes=")


def test_a_server_without_ranges_sends_the_whole_file_again(small, server):
    server.cut_after, server.cuts, server.knows_ranges = 300_000, 1, False
    assert (get().folder / "big.bin").read_bytes() == BODY


def test_a_server_that_sends_another_range_than_asked_is_not_believed(small, server):
    server.cut_after, server.cuts, server.lies_about_range = 300_000, 1, True
    assert (get().folder / "big.bin").read_bytes() == BODY
    assert [told for name, told in server.ranges if name == "big.bin"][-1] is None


def test_a_file_that_changed_between_two_parts_comes_anew(small, server, monkeypatch):
    other = BODY[::-1]
    server.files["big.bin"] = other
    server.cut_after, server.cuts = 300_000, 4
    with pytest.raises(ProblemError, match="D21"):
        get()
    server.files["big.bin"], server.tag = BODY, '"two"'
    assert (get().folder / "big.bin").read_bytes() == BODY


@pytest.mark.parametrize("is_chunked", [True, False])
def test_a_body_beyond_the_pinned_size_is_cut_off_and_refused(small, server, is_chunked):
    server.files["big.bin"] = bytes(50 << 20)
    server.is_chunked = is_chunked
    got: list[int] = []
    with pytest.raises(ProblemError, match="D22") as error:
        get(progress=lambda name, done, total: got.append(done))
    assert f"{len(BODY):,} bytes" in error.value.problems[0].expected
    assert max(got, default=0) <= len(BODY)
    assert leftovers(store.cache() / "small") == []


def test_an_endless_body_without_a_pin_ends_at_the_largest_size(small, server, monkeypatch):
    monkeypatch.setattr("abawbench.datasets.fetch.download.LARGEST", 1000)
    server.files["LICENSE"], server.is_chunked = bytes(1 << 20), True
    with pytest.raises(ProblemError, match=r"D22(.|\n)*1,000 bytes"):
        get()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip"])
def test_an_answer_that_would_be_unpacked_is_refused(small, server, encoding):
    server.files["big.bin"] = gzip.compress(bytes(50 << 20))
    server.encoding = encoding
    with pytest.raises(ProblemError, match=f"D21(.|\n)*an answer in {encoding}"):
        get()


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "x", "²".encode().decode("latin-1")])
def test_a_length_that_is_no_number_is_not_believed(small, server, length):
    server.length = length
    with contextlib.suppress(ProblemError):
        assert get().new == ("big.bin", "LICENSE")


def test_a_redirect_to_a_file_is_refused(small, server, monkeypatch, tmp_path):
    (tmp_path / "big.bin").write_bytes(BODY)
    for place in ("file:///etc/hostname", f"file://{tmp_path}/big.bin", "ftp://127.0.0.1/big.bin"):
        server.redirects["old.bin"] = place
        use(monkeypatch, Source("big.bin", f"{server.address}/old.bin", SHA256, None, "the test"))
        with pytest.raises(ProblemError, match="D21"):
            get()
    with pytest.raises(ProblemError, match="D21"):
        get(url=f"file://{tmp_path}")


@pytest.mark.parametrize("state", ["[]", "5", '{"total": "x", "validator": 5, "url": null}', "[" * 100_000])
def test_a_damaged_record_of_a_part_is_not_used(small, state):
    folder = store.cache() / "small"
    folder.mkdir(parents=True)
    (folder / ".big.bin.part").write_bytes(b"x")
    (folder / ".big.bin.part.json").write_text(state)
    assert get().new == ("big.bin", "LICENSE")


def test_any_other_record_of_fetched_files_is_downloaded_again(small):
    folder = get().folder
    for record in changed_fields(json.loads((folder / "fetched.json").read_text())):
        (folder / "fetched.json").write_text(json.dumps(record))
        outcome(lambda: store.missing(small, folder))


def test_a_list_without_end_is_refused(small, server, monkeypatch):
    monkeypatch.setattr("abawbench.datasets.fetch.get.LONGEST_LISTING", 1000)
    server.files["list"] = b"[" * (1 << 20)
    source = Source("big.bin", f"{server.address}/big.bin", None, None, "the test")
    use(monkeypatch, source, listing=f"{server.address}/list")
    with pytest.raises(ProblemError, match="more than 1,000 bytes"):
        get()


def test_two_parts_that_do_not_fit_are_fetched_once_more(small, server):
    server.tag = None
    server.files["big.bin"] = BODY[::-1]
    server.cut_after, server.cuts = 300_000, 4
    with pytest.raises(ProblemError, match="D21"):
        get()
    server.files["big.bin"] = BODY
    assert (get().folder / "big.bin").read_bytes() == BODY


def test_a_part_as_long_as_the_file_does_not_stop_it(small, server):
    folder = cache() / "small"
    folder.mkdir(parents=True)
    (folder / ".big.bin.part").write_bytes(BODY)
    state = {"url": f"{server.address}/big.bin", "total": len(BODY), "validator": '"one"'}
    (folder / ".big.bin.part.json").write_text(json.dumps(state))
    assert (get().folder / "big.bin").read_bytes() == BODY


def test_a_part_without_record_is_not_used(small, server):
    folder = cache() / "small"
    folder.mkdir(parents=True)
    (folder / ".big.bin.part").write_bytes(b"something else")
    assert (get().folder / "big.bin").read_bytes() == BODY


def test_a_wrong_file_is_refused_with_both_hashes_and_nothing_of_it_stays(small, server):
    server.files["big.bin"] = b"not the file"
    with pytest.raises(ProblemError) as error:
        get()
    assert rules(error) == ["D22"]
    problem = error.value.problems[0]
    assert hashlib.sha256(b"not the file").hexdigest() in problem.found
    assert SHA256 in problem.expected
    names = {path.name for path in (cache() / "small").iterdir()} - {LOCK, WORKERS}
    assert names == {"LICENSE", "fetched.json"}


def test_a_file_without_pin_is_held_to_what_was_got_first(small, server):
    folder = get().folder
    (folder / "LICENSE").unlink()
    server.files["LICENSE"] = b"no longer free\n"
    with pytest.raises(ProblemError, match="D22"):
        get()
    server.files["LICENSE"] = b"free\n"
    assert get().files["LICENSE"].checked == "sha256"


def test_a_damaged_file_is_replaced(small):
    folder = get().folder
    (folder / "big.bin").write_bytes(BODY[:-1] + b"x")
    assert get().new == ("big.bin",)
    assert (folder / "big.bin").read_bytes() == BODY


@pytest.mark.parametrize(("status", "asked"), [(404, 1), (403, 1), (503, 4)])
def test_a_refusal_names_the_address_and_how_to_do_it_by_hand(small, server, status, asked):
    server.status["big.bin"] = [status] * 4
    with pytest.raises(ProblemError) as error:
        get()
    problem = error.value.problems[0]
    assert problem.rule == "D21"
    assert f"HTTP {status}" in problem.found
    assert f"{server.address}/big.bin" in problem.fix
    assert "--from big.bin" in problem.fix
    assert [name for name, _ in server.ranges].count("big.bin") == asked


def test_a_server_that_is_busy_for_a_moment_is_asked_again(small, server):
    server.status["big.bin"] = [503, 429]
    assert get().new == ("big.bin", "LICENSE")


def test_a_redirect_is_followed(small, server, monkeypatch):
    server.redirects["old.bin"] = "/big.bin"
    use(monkeypatch, Source("big.bin", f"{server.address}/old.bin", SHA256, None, "the test"))
    assert (get().folder / "big.bin").read_bytes() == BODY


def test_redirects_in_a_circle_are_a_problem(small, server, monkeypatch):
    server.redirects["old.bin"] = "/old.bin"
    use(monkeypatch, Source("big.bin", f"{server.address}/old.bin", SHA256, None, "the test"))
    with pytest.raises(ProblemError, match="D21"):
        get()


def test_no_network_is_a_problem_and_not_a_wait(small):
    with pytest.raises(ProblemError) as error:
        get(url="http://127.0.0.1:9")
    assert rules(error) == ["D21", "D21"]
    assert "no connection" in error.value.problems[0].found


@pytest.mark.parametrize("url", ["nonsense", "gopher://127.0.0.1/x"])
def test_an_address_that_is_none_is_a_problem(small, url):
    with pytest.raises(ProblemError, match="D21"):
        get(url=url)


def test_a_server_that_says_nothing_is_a_problem(small, server, monkeypatch):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr("abawbench.datasets.fetch.download.TIMEOUT_S", 0.05)
        with pytest.raises(ProblemError, match="no answer within"):
            get(url=f"http://127.0.0.1:{silent.getsockname()[1]}")


def test_a_disk_without_room_is_a_problem_and_the_part_is_kept(small):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limits[1]))
    try:
        with pytest.raises(ProblemError) as error:
            get()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert rules(error) == ["F01"]
    assert "--to" in error.value.problems[0].fix
    folder = cache() / "small"
    assert not (folder / "big.bin").exists()
    assert (folder / ".big.bin.part").stat().st_size > 0
    assert (get().folder / "big.bin").read_bytes() == BODY


def test_a_folder_that_cannot_be_made_is_a_problem(small, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ProblemError, match="F01"):
        get(to=tmp_path / "file" / "below")


def test_files_of_ones_own_are_never_written_over(small, server, monkeypatch, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "LICENSE").write_text("of my project")
    with pytest.raises(ProblemError, match="C02"):
        get(to=mine)
    assert (mine / "LICENSE").read_text() == "of my project"
    assert server.ranges == []
    use(monkeypatch, Source("faces.zip", f"{server.address}/faces.zip", None, None, "the test"))
    server.files["faces.zip"] = zipped({"1.jpg": b"one"})
    (mine / "faces").mkdir()
    with pytest.raises(ProblemError, match="C02"):
        get(to=mine)
    (mine / "faces").rmdir()
    assert get(to=mine).new == ("faces.zip",)
    assert get(to=mine).new == ()


def test_files_at_hand_are_checked_and_taken_without_any_request(small, server, tmp_path):
    (tmp_path / "big.bin").write_bytes(BODY)
    with pytest.raises(ProblemError) as error:
        get(at_hand=[tmp_path / "big.bin"])
    assert [problem.file for problem in error.value.problems] == ["LICENSE"]
    (tmp_path / "LICENSE").write_bytes(b"free\n")
    assert get(at_hand=[tmp_path / "LICENSE"]).new == ("LICENSE",)
    assert server.ranges == []
    assert fetched("small") == cache() / "small"


def test_a_wrong_file_at_hand_is_refused(small, tmp_path):
    (tmp_path / "big.bin").write_bytes(BODY[:-1])
    with pytest.raises(ProblemError) as error:
        get(at_hand=[tmp_path / "big.bin"])
    assert rules(error) == ["D22", "F01"]
    assert not (cache() / "small" / "big.bin").exists()


def test_a_file_at_hand_that_the_set_does_not_have_is_wrong_use(small, tmp_path):
    with pytest.raises(ProblemError, match="C02"):
        get(at_hand=[tmp_path / "other.bin"])


def test_without_pin_the_md5_of_the_repository_counts(small, server, monkeypatch):
    entry = {"name": "big.bin", "computed_md5": hashlib.md5(BODY).hexdigest(), "download_url": f"{server.address}/9"}
    server.files |= {"9": BODY, "list": json.dumps({"files": [entry]}).encode()}
    source = Source("big.bin", f"{server.address}/moved", None, None, "the test")
    use(monkeypatch, source, listing=f"{server.address}/list")
    got = get()
    assert got.files["big.bin"].checked == "md5"
    assert got.files["big.bin"].url == f"{server.address}/9"
    (got.folder / "big.bin").unlink()
    (got.folder / "fetched.json").unlink()
    server.files["9"] = b"other"
    with pytest.raises(ProblemError, match="D22") as error:
        get()
    assert hashlib.md5(BODY).hexdigest() in error.value.problems[0].expected


@pytest.mark.parametrize("text", [b"<html>", b"{}", b'{"files": []}', b'{"files": [{"name": "big.bin"}]}', b"[1]"])
def test_a_list_that_does_not_help_is_a_problem(small, server, monkeypatch, text):
    server.files["list"] = text
    source = Source("big.bin", f"{server.address}/big.bin", None, None, "the test")
    use(monkeypatch, source, listing=f"{server.address}/list")
    with pytest.raises(ProblemError, match="D21"):
        get()


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_a_zip_is_unpacked_beside_itself_without_what_macos_adds(small, server, monkeypatch):
    members = {"faces/001_03.jpg": b"one", "faces/002_03.jpg": b"two", "__MACOSX/faces/._001_03.jpg": b"x"}
    server.files["faces.zip"] = zipped(members)
    use(monkeypatch, Source("faces.zip", f"{server.address}/faces.zip", None, None, "the test"))
    folder = get().folder
    assert sorted(path.name for path in (folder / "faces").iterdir()) == ["001_03.jpg", "002_03.jpg"]
    assert fetched("small") == folder
    (folder / "faces" / "001_03.jpg").unlink()
    assert fetched("small") is None
    assert get().new == ("faces.zip",)
    assert (folder / "faces" / "001_03.jpg").read_bytes() == b"one"


@pytest.mark.parametrize(
    ("data", "rule"),
    [(b"no zip", "Z01"), (zipped({"../out.txt": b"x"}), "Z02"), (zipped({"/out.txt": b"x"}), "Z02")],
)
def test_a_bad_zip_is_a_problem_and_nothing_is_unpacked(small, server, monkeypatch, data, rule):
    server.files["faces.zip"] = data
    use(monkeypatch, Source("faces.zip", f"{server.address}/faces.zip", None, None, "the test"))
    with pytest.raises(ProblemError, match=rule):
        get()
    assert {path.name for path in (cache() / "small").iterdir()} - {LOCK, WORKERS} == {"faces.zip"}
    assert fetched("small") is None


def test_a_misspelt_name_is_told_the_set_that_is_like_it():
    with pytest.raises(ProblemError, match="D20") as error:
        fetched("yunnet")
    assert error.value.problems[0].expected == "'yunet'"


def test_an_unknown_name_is_a_problem_that_lists_the_known():
    with pytest.raises(ProblemError, match="D20") as error:
        fetched("affectnet")
    assert "yunet" in error.value.problems[0].expected


def test_a_record_that_cannot_be_read_counts_as_none(small):
    folder = get().folder
    (folder / "fetched.json").write_text("[")
    assert fetched("small") is None
    assert get().new == ("big.bin", "LICENSE")


@pytest.mark.parametrize("item", SETS.values(), ids=list(SETS))
def test_every_set_has_a_licence_an_attribution_and_a_hash_or_a_list_for_each_file(item):
    assert item.licence
    assert item.attribution
    assert item.name == next(name for name, other in sets.SETS.items() if other is item)
    for part in item.files:
        assert part.url.startswith("https://")
        assert part.source
        assert part.sha256 is not None or item.listing is not None or "assumed" in part.source


def test_what_a_killed_run_left_is_swept_under_the_lock(small, server):
    folder = cache() / "small"
    folder.mkdir(parents=True)
    for name in ("tmpa1b2c3d4", ".big.bin.copy", ".faces.0a1b2c3d"):
        (folder / name).write_bytes(b"half")
    get()
    assert leftovers(folder) == []


def test_two_runs_at_once_are_one(small, server):
    folder = cache() / "small"
    folder.mkdir(parents=True)
    with only_run(folder), pytest.raises(ProblemError) as error:
        get()
    assert rules(error) == ["D36"]
