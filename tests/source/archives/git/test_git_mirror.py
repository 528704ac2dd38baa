"""Fetching from git servers: requests, versions, and each way in which a server fails."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from annexed_repository import AnnexedRepository, openneuro_repository
from git_server import GitFault, GitServer, git_backend

from bids_dl.errors import SourceError
from bids_dl.source.archives.git import git_transport
from bids_dl.source.archives.git.git_mirror import GitAccess, fetch_snapshot, list_versions
from bids_dl.source.archives.git.git_transport import (
    MirrorMissingError,
    MirrorUnreachableError,
    authorization,
)

QUICK = GitAccess(retry_seconds=0.2)


@pytest.fixture(scope="module")
def repository(eegbci: Path, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("git")
    with openneuro_repository(eegbci, folder / "ds004362.git") as made:
        yield made


@pytest.fixture(scope="module")
def running_server(repository: AnnexedRepository):
    with GitServer({"ds004362": repository.repo}) as server:
        yield server


@pytest.fixture
def server(running_server: GitServer) -> GitServer:
    running_server.reset()
    return running_server


@pytest.fixture
def url(server: GitServer) -> str:
    return f"{server.url}/ds004362.git"


def test_versions_cost_one_request(server, url, repository):
    versions = list_versions(url)
    assert versions.tags == repository.commits
    assert set(versions.branches) == {"main", "git-annex"}
    assert server.requests == ["GET /ds004362.git/info/refs"]


@pytest.mark.parametrize(
    ("version", "tag"), [("", "1.1.0"), ("1.0.0", "1.0.0"), ("v1.1.0", "1.1.0")]
)
def test_a_version_and_its_annex_branch_cost_two_requests(
    server, url, repository, tmp_path, version, tag
):
    with fetch_snapshot(url, version, folder=tmp_path) as snapshot:
        assert (snapshot.version, snapshot.commit) == (tag, repository.commits[tag])
        assert ("LICENSE" in {entry.path for entry in snapshot.entries()}) == (tag == "1.1.0")
        assert "name=s3-PUBLIC" in snapshot.annex_file("remote.log")
    assert [request.split()[0] for request in server.requests] == ["GET", "POST"]


def test_a_commit_is_fetched_by_its_digits(url, repository, tmp_path):
    commit = repository.commits["1.0.0"]
    with fetch_snapshot(url, commit, folder=tmp_path) as snapshot:
        assert (snapshot.version, snapshot.commit) == ("1.0.0", commit)


def test_nothing_remains_in_the_folder(url, tmp_path):
    fetch_snapshot(url, folder=tmp_path).__exit__()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
def test_git_itself_serves_the_same_files(repository, url, tmp_path, version):
    with GitServer(git_backend(repository.folder.parent)) as real:
        real_url = f"{real.url}/ds004362.git"
        with fetch_snapshot(real_url, version, folder=tmp_path) as snapshot:
            entries, commit = snapshot.entries(), snapshot.commit
            log = snapshot.annex_file("trust.log")
    with fetch_snapshot(url, version, folder=tmp_path) as snapshot:
        assert (snapshot.entries(), snapshot.commit) == (entries, commit)
        assert snapshot.annex_file("trust.log") == log


def test_a_mirror_without_annex_branch_is_fetched(eegbci, tmp_path):
    with AnnexedRepository(tmp_path / "bare.git") as bare:
        bare.commit({"README": b"x"}, "1.0.0")
        bare.drop_annex_branch()
        with (
            GitServer({"bare": bare.repo}) as server,
            fetch_snapshot(f"{server.url}/bare.git", folder=tmp_path) as snapshot,
        ):
            assert not snapshot.has_annex_branch
            assert snapshot.annex_file("remote.log") == ""


def test_an_unknown_version_is_refused_with_the_known_ones(server, url, tmp_path):
    with pytest.raises(MirrorMissingError, match=r"no version '9\.9\.9'; .*1\.1\.0, 1\.0\.0$"):
        fetch_snapshot(url, "9.9.9", folder=tmp_path)
    assert len(server.requests) == 1
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_repository_is_refused_at_once(server, tmp_path):
    with pytest.raises(MirrorMissingError, match=r"ds1\.git: no such repository, .*HTTP 404"):
        fetch_snapshot(f"{server.url}/ds1.git", folder=tmp_path)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "message"),
    [(401, "no such repository, or not a public one"), (403, "access denied")],
)
def test_a_denied_repository_is_refused_at_once(server, url, status, message):
    server.fail(GitFault(status))
    with pytest.raises(MirrorMissingError, match=message):
        list_versions(url)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [
        GitFault(500),
        GitFault(503),
        GitFault(429, retry_after="0"),
        GitFault(kind="cut", only="POST"),
        GitFault(kind="garbage", only="POST"),
        GitFault(kind="cut", only="GET"),
    ],
)
def test_a_failure_that_passes_costs_nothing(server, url, tmp_path, fault):
    server.fail(fault)
    with fetch_snapshot(url, folder=tmp_path, access=QUICK) as snapshot:
        assert len(snapshot.entries()) > 40
    assert len(list(tmp_path.iterdir())) == 0


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (GitFault(503), r"the server fails \(HTTP 503\)"),
        (GitFault(429), r"refuses more requests \(HTTP 429\); run the same command again later"),
        (GitFault(kind="cut"), r"cannot be reached \(the answer is cut off\)"),
        (GitFault(kind="cut", only="POST"), r"cannot be reached \(the answer is cut off\)"),
        (GitFault(kind="hangup"), "cut off or damaged"),
        (GitFault(kind="hangup", only="POST"), "cut off or damaged"),
        (GitFault(kind="garbage", only="POST"), "cut off or damaged"),
        (GitFault(kind="html"), "answers with text/html, not with a git repository"),
    ],
)
def test_a_failure_that_stays_is_one_line(server, url, tmp_path, fault, message):
    server.fail(fault, times=50)
    with pytest.raises(MirrorUnreachableError, match=message) as caught:
        fetch_snapshot(url, folder=tmp_path, access=QUICK)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_wait_that_a_server_asks_for_is_respected(server, url):
    server.fail(GitFault(429, retry_after="1"))
    start = time.monotonic()
    list_versions(url, GitAccess(retry_seconds=3))
    assert time.monotonic() - start >= 1


def test_a_wait_that_is_too_long_is_reported_instead(server, url):
    server.fail(GitFault(429, retry_after="3600"))
    with pytest.raises(MirrorUnreachableError, match="run the same command again in 3600 s"):
        list_versions(url, QUICK)
    assert len(server.requests) == 1


def test_an_answer_of_a_byte_now_and_then_is_given_up(server, url):
    server.fail(GitFault(kind="slow"), times=50)
    start = time.monotonic()
    with pytest.raises(MirrorUnreachableError, match=r"cannot be reached .* bytes in"):
        list_versions(url, GitAccess(stall_seconds=0.3, retry_seconds=0.01))
    assert time.monotonic() - start < 10


def test_an_answer_is_read_no_further_than_its_limit(url, monkeypatch):
    monkeypatch.setattr(git_transport, "MAX_REFS_BYTES", 100)
    with pytest.raises(MirrorUnreachableError, match="longer than 100 bytes"):
        list_versions(url, QUICK)


def test_a_server_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(MirrorUnreachableError, match=r"cannot be reached \(Connection refused\)"):
        fetch_snapshot("http://127.0.0.1:9/ds1.git", folder=tmp_path, access=QUICK)


def test_a_limit_of_requests_is_told_from_a_denied_repository(server, url):
    server.fail(GitFault(403, retry_after="900"))
    with pytest.raises(MirrorUnreachableError, match=r"refuses more requests .* in 900 s"):
        list_versions(url, QUICK)


def test_a_folder_that_cannot_be_written_is_one_line(url, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(SourceError, match="file: cannot be written to"):
        fetch_snapshot(url, folder=tmp_path / "file", access=QUICK)


def test_another_scheme_is_refused(tmp_path):
    with pytest.raises(SourceError, match="not an address of a git server"):
        fetch_snapshot("ssh://git@example.org/ds1.git", folder=tmp_path, access=QUICK)


def test_the_token_goes_to_github_only(server, url):
    list_versions(url, GitAccess(token="secret"))
    assert server.authorizations == [""]
    assert "Authorization" in authorization("https://github.com/a/b.git/info/refs", "secret")
    for other in ("http://github.com/a", "https://github.com.evil.org/a", "https://x.github.com/"):
        assert authorization(other, "secret") == {}
    assert "secret" not in repr(GitAccess(token="secret"))


def test_a_password_in_the_address_is_used_but_not_shown(server, url):
    with_password = url.replace("http://", "http://ann:secret@")
    list_versions(with_password)
    assert server.authorizations[0].startswith("Basic ")
    server.fail(GitFault(404))
    with pytest.raises(MirrorMissingError) as caught:
        list_versions(with_password)
    assert "secret" not in str(caught.value)


def test_a_redirect_is_followed_without_the_password(server, url, repository, tmp_path):
    with GitServer({"ds004362": repository.repo}) as other:
        server.fail(GitFault(301, location=other.url))
        with_password = url.replace("http://", "http://ann:secret@")
        with fetch_snapshot(with_password, folder=tmp_path, access=QUICK) as snapshot:
            assert snapshot.version == "1.1.0"
        assert server.authorizations[0].startswith("Basic ")
        assert other.authorizations == ["", ""]


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_requests_go_through_the_proxy_of_the_environment(server, monkeypatch, variable):
    monkeypatch.setenv(variable, server.url)
    server.fail(GitFault(404))
    with pytest.raises(MirrorMissingError):
        list_versions("http://mirror.example.org/ds004362.git", QUICK)
    assert server.requests == ["GET http://mirror.example.org/ds004362.git/info/refs"]


def test_no_proxy_is_respected(url, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert list_versions(url, QUICK).tags
