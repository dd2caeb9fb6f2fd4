"""Downloads: whole or to be continued, never something else than what was asked for."""

from __future__ import annotations

import functools
import hashlib
import http.client
import ssl
import urllib.request

import numpy as np
import pytest

from network.server import serving
from SoftCordSegLib.errors import Cancelled, ModelError, OutputError
from SoftCordSegLib.network import download as module
from SoftCordSegLib.progress import Progress

CONTENT = np.random.default_rng(0).bytes(1_500_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
download = functools.partial(module.download, schemes=("http", "https"))


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """This computer's own addresses are reached without one."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server():
    with serving(CONTENT) as server:
        yield server


@pytest.fixture
def target(tmp_path):
    return tmp_path / "downloads" / "file.zip"


def names(target):
    return sorted(path.name for path in target.parent.iterdir())


def test_a_file_comes_whole_and_its_sha256_is_told(server, target):
    told = []
    assert (
        download(
            server.file,
            target,
            sha256=SHA256.upper(),
            progress=Progress(lambda f, m: told.append((f, m))),
        )
        == SHA256
    )
    assert target.read_bytes() == CONTENT
    assert names(target) == ["file.zip"]
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert "of 2 MB" in told[-1][1]


def test_a_broken_connection_is_continued_where_it_stopped(server, target):
    server.breaks_after = 600_000
    with pytest.raises(ModelError, match="resumes where it stopped"):
        download(server.file, target)
    assert not target.exists()
    have = (target.parent / "file.zip.part").stat().st_size
    assert 0 < have <= 600_000
    assert download(server.file, target, sha256=SHA256) == SHA256
    assert server.requests[1] == ("/file.zip", f"bytes={have}-")
    assert names(target) == ["file.zip"]


def test_cancelling_keeps_the_part_for_the_next_time(server, target):
    told = []

    def cancelled():
        return len(told) > 3

    with pytest.raises(Cancelled):
        download(server.file, target, progress=Progress(lambda f, m: told.append(f), cancelled))
    assert not target.exists()
    assert (target.parent / "file.zip.part").stat().st_size < len(CONTENT)
    assert download(server.file, target) == SHA256
    assert server.requests[1][1] is not None


def test_a_file_that_changed_meanwhile_is_fetched_anew(server, target):
    server.breaks_after = 600_000
    with pytest.raises(ModelError):
        download(server.file, target)
    server.content, server.etag = CONTENT[::-1], '"two"'
    assert download(server.file, target) == hashlib.sha256(CONTENT[::-1]).hexdigest()


@pytest.mark.parametrize("change", [{"ranges": False}, {"etag": None}, {"etag": 'W/"weak"'}])
def test_a_server_that_cannot_continue_starts_again(server, target, change):
    vars(server).update(change)
    server.breaks_after = 600_000
    with pytest.raises(ModelError):
        download(server.file, target)
    assert download(server.file, target) == SHA256


def test_a_part_of_another_address_is_not_continued(server, target):
    server.breaks_after = 600_000
    with pytest.raises(ModelError):
        download(f"{server.url}/other.zip", target)
    assert download(server.file, target) == SHA256
    assert server.requests[1] == ("/file.zip", None)


def test_a_part_that_is_the_whole_file_needs_nothing_more(server, target, monkeypatch):
    def cut_off(*_arguments):
        raise http.client.IncompleteRead(b"")

    with monkeypatch.context() as patch:
        patch.setattr(
            module, "file_sha256", cut_off
        )  # everything had come when the program was ended
        with pytest.raises(ModelError):
            download(server.file, target)
    assert download(server.file, target) == SHA256
    assert len(server.requests) == 2


def test_a_part_longer_than_the_file_is_thrown_away(server, target):
    server.breaks_after = 600_000
    with pytest.raises(ModelError):
        download(server.file, target)
    with open(target.parent / "file.zip.part", "ab") as stream:
        stream.write(CONTENT)
    assert download(server.file, target) == SHA256


def test_another_file_than_expected_is_deleted_and_said(server, target):
    with pytest.raises(ModelError, match="not the expected one"):
        download(server.file, target, sha256="0" * 64)
    assert names(target) == []


def test_a_corrupt_part_is_noticed(server, target):
    server.breaks_after = 600_000
    with pytest.raises(ModelError):
        download(server.file, target)
    part = target.parent / "file.zip.part"
    part.write_bytes(b"x" + part.read_bytes()[1:])
    with pytest.raises(ModelError, match="not the expected one"):
        download(server.file, target, sha256=SHA256)
    assert download(server.file, target, sha256=SHA256) == SHA256


def test_redirects_are_followed_and_keep_the_range(server, target):
    server.redirects["/latest"] = server.file
    server.breaks_after = 600_000
    with pytest.raises(ModelError):
        download(f"{server.url}/latest", target)
    assert download(f"{server.url}/latest", target) == SHA256
    assert [path for path, _ in server.requests] == ["/latest", "/file.zip"] * 2
    assert server.requests[3][1] is not None


@pytest.mark.parametrize("elsewhere", ["ftp://127.0.0.1/file.zip", "file:///etc/passwd"])
def test_redirects_to_other_schemes_are_refused(server, target, elsewhere):
    server.redirects["/latest"] = elsewhere
    with pytest.raises(ModelError):
        download(f"{server.url}/latest", target)
    assert not target.exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/x.zip",
        "file:///etc/passwd",
        "ftp://example.org/x",
        "https:///x",
        "x.zip",
    ],
)
def test_only_https_is_asked_for(target, url, monkeypatch):
    def reached(*_arguments, **_options):
        raise AssertionError("a connection was made")

    monkeypatch.setattr(urllib.request, "build_opener", reached)
    with pytest.raises(ModelError, match="https://"):
        module.download(url, target)


def test_a_redirect_from_https_to_http_is_refused():
    with pytest.raises(ModelError, match="https://"):
        module._Redirects(module.SCHEMES).redirect_request(
            None, None, 302, "Found", {}, "http://example.org/x.zip"
        )


@pytest.mark.parametrize("says_length", [True, False])
def test_more_than_the_limit_is_stopped(server, target, says_length):
    server.says_length = says_length
    with pytest.raises(ModelError, match="more than any model"):
        download(server.file, target, max_bytes=1_000_000)
    assert not target.exists()


@pytest.mark.parametrize("status", [404, 416, 500])
def test_a_server_that_refuses_is_a_sentence(server, target, status):
    server.status = status
    with pytest.raises(ModelError, match=f"answers {status}"):
        download(server.file, target)
    assert len(server.requests) == 1


def test_no_connection_is_a_sentence_with_a_way_out(server, target):
    url = server.file.replace(server.url, "http://127.0.0.1:9")
    with pytest.raises(ModelError, match="with a browser"):
        download(url, target)


def test_a_folder_that_cannot_be_written_is_a_sentence(server, tmp_path):
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"):
        download(server.file, tmp_path / "file" / "model.zip")


def test_a_broken_encryption_is_told_as_a_broken_connection(server, target, monkeypatch):
    def broken(*_arguments):
        raise ssl.SSLError("decryption failed or bad record mac")

    monkeypatch.setattr(http.client.HTTPResponse, "read1", broken)

    with pytest.raises(ModelError, match="cannot be reached .*bad record mac"):
        download(server.file, target)


def test_the_server_is_asked_for_the_size_before_anything_is_downloaded(server):
    assert module.size_of(server.file, schemes=("http",)) == len(CONTENT)
    with pytest.raises(ModelError, match="https"):
        module.size_of(server.file)
