"""S3 against moto's server on loopback, through s3fs and botocore as users have them."""

import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("s3fs", reason="s3fs is not installed")
pytest.importorskip("moto.server", reason="moto's server is not installed")

from moto.server import ThreadedMotoServer

from rag.connectors.remote import RemoteConnector
from rag.errors import DocumentError, SourceError
from rag.protocols import Connector
from rag.testing import ConnectorSuite
from rag.types import Failure, Item

Put = Callable[..., str]
BUCKET = "harbour"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t-key")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


def _client(endpoint: str) -> Any:
    import boto3

    return boto3.client("s3", endpoint_url=endpoint)


@pytest.fixture
def put(endpoint: str) -> Iterator[Put]:
    client = _client(endpoint)
    client.create_bucket(Bucket=BUCKET)

    def write(key: str, content: str | bytes = "Some text.") -> str:
        data = content.encode() if isinstance(content, str) else content
        client.put_object(Bucket=BUCKET, Key=key, Body=data)
        return key

    yield write
    listed = client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    for one in listed:
        client.delete_object(Bucket=BUCKET, Key=one["Key"])
    client.delete_bucket(Bucket=BUCKET)
    client.close()


def connect(endpoint: str, path: str = "", **options: Any) -> RemoteConnector:
    return RemoteConnector(url=f"s3://{BUCKET}/{path}", endpoint_url=endpoint, **options)


def sources(connector: Connector) -> list[str]:
    return [step.source.removeprefix(f"s3://{BUCKET}/") for step in connector.items()]


def items(connector: Connector) -> list[Item]:
    return [step for step in connector.items() if isinstance(step, Item)]


class TestS3(ConnectorSuite):
    @pytest.fixture(autouse=True)
    def _bucket(self, endpoint: str, put: Put) -> None:
        self.endpoint = endpoint
        (
            put("docs/a.md", "# Ports\n\nText."),
            put("docs/b/c.txt", "More."),
            put("docs/d.md", b"\0\1"),
        )

    def make(self, folder: Path) -> RemoteConnector:
        return connect(self.endpoint, "docs")


def test_a_document_is_read(endpoint: str, put: Put) -> None:
    put("guides/port fees.md", "Some *text*.")
    (item,) = items(connect(endpoint))
    document = item.load()
    assert (item.id, item.size) == ("s3://harbour/guides/port fees.md", 12)
    assert (document.text, document.title) == ("Some *text*.", "port fees")
    assert document.metadata["format"] == "markdown"


def test_order_hidden_ignored_and_other_files(endpoint: str, put: Put) -> None:
    for key in ("b.md", "a/z.md", "a.md", "a-b.md", ".git/x.md", "a/.y.md", "c.exe", "out/o.md"):
        put(key)
    put(".gitignore", "out/\n"), put("a/.ragignore", "w.md\n"), put("a/w.md")
    connector = connect(endpoint)
    assert sources(connector) == ["a/z.md", "a-b.md", "a.md", "b.md"]
    assert connector.skipped == {".exe": 1}
    assert sources(connector) == ["a/z.md", "a-b.md", "a.md", "b.md"]


def test_keys_that_are_no_paths_do_no_harm(endpoint: str, put: Put) -> None:
    put("dir/", b""), put("dir/x.md"), put("e%41\u202e.md")
    assert sorted(sources(connect(endpoint))) == ["dir/x.md", "e%2541%E2%80%AE.md"]


def test_one_file_and_wildcards(endpoint: str, put: Put) -> None:
    put("docs/a.md"), put("docs/b.txt"), put("docs/sub/c.md"), put("docs/d.exe")
    assert sources(connect(endpoint, "docs/a.md")) == ["docs/a.md"]
    assert sources(connect(endpoint, "docs/**/*.md")) == ["docs/a.md", "docs/sub/c.md"]
    connector = connect(endpoint, "docs/*.md")
    assert sources(connector) == ["docs/a.md"]
    assert connector.covers(f"s3://{BUCKET}/docs/gone.md")
    assert not connector.covers(f"s3://{BUCKET}/docs/sub/c.md")
    (failure,) = connect(endpoint, "docs/d.exe").items()
    assert isinstance(failure, Failure) and "'.exe'" in failure.error
    with pytest.raises(SourceError, match=r"no file matches '.*\*\.pdf'"):
        sources(connect(endpoint, "docs/*.pdf"))


def test_the_version_follows_the_bytes(endpoint: str, put: Put) -> None:
    put("a.md", "one"), put("b.md", "one")
    before = {item.id: item.version for item in items(connect(endpoint))}
    put("a.md", "two")
    after = {item.id: item.version for item in items(connect(endpoint))}
    assert [before[key] == after[key] for key in sorted(before)] == [False, True]


def test_max_bytes_holds_for_what_is_listed_and_for_what_grew(endpoint: str, put: Put) -> None:
    put("a.md", "x" * 100), put("b.md", "y")
    failure, item = connect(endpoint, max_bytes=10).items()
    assert isinstance(failure, Failure) and "max_bytes" in failure.error
    assert isinstance(item, Item)
    put("b.md", "y" * 50)
    with pytest.raises(DocumentError, match="max_bytes"):
        item.load()


def test_an_empty_object_and_one_that_vanished(endpoint: str, put: Put) -> None:
    put("a.md", b""), put("b.md")
    empty, gone = items(connect(endpoint))
    _client(endpoint).delete_object(Bucket=BUCKET, Key="b.md")
    with pytest.raises(DocumentError, match="is empty"):
        empty.load()
    with pytest.raises(DocumentError, match="nothing at this address"):
        gone.load()


def test_an_unknown_bucket(endpoint: str) -> None:
    with pytest.raises(SourceError, match="cannot list s3://nowhere: there is nothing"):
        list(RemoteConnector(url="s3://nowhere", endpoint_url=endpoint).items())


def test_a_server_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)  # of s3fs, beside those of botocore
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    down = RemoteConnector(url="s3://x", endpoint_url="http://127.0.0.1:9", storage={"anon": True})
    with pytest.raises(SourceError, match="cannot list s3://x: the server cannot be reached"):
        list(down.items())
    assert not down.covers("s3://x/a.md")


def test_no_credentials(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SourceError, match="no credentials are found"):
        list(connect(endpoint).items())


def test_an_archive_in_a_bucket(endpoint: str, put: Put, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        packed.writestr("a.md", "Inside.")
        packed.writestr("b/c.txt", "Too.")
    put("pack.zip", (tmp_path / "x.zip").read_bytes())
    listed = items(connect(endpoint, "pack.zip"))
    assert [item.source for item in listed] == [
        "zip://a.md::s3://harbour/pack.zip",
        "zip://b/c.txt::s3://harbour/pack.zip",
    ]
    assert listed[0].load().text == "Inside."


@pytest.fixture
def reader(
    endpoint: str, put: Put, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., None]]:
    """Become a user who may do some things in the bucket and no others."""
    import boto3

    iam = boto3.client("iam", endpoint_url=endpoint)

    def become(*actions: str) -> None:
        iam.create_user(UserName="ann")
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=policy)
        key = iam.create_access_key(UserName="ann")["AccessKey"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        _authorise(endpoint, "0")

    yield become
    _authorise(endpoint, "1000000")
    for key in iam.list_access_keys(UserName="ann")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName="ann", PolicyName="p")
    iam.delete_user(UserName="ann")
    iam.close()


def _authorise(endpoint: str, after: str) -> None:
    """Let the server check who may do what, after that many calls."""
    import urllib.request

    kind = {"Content-Type": "text/plain"}
    address = f"{endpoint}/moto-api/reset-auth"
    request = urllib.request.Request(address, after.encode(), kind)
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def test_a_bucket_that_lists_but_denies_reads(
    endpoint: str, put: Put, reader: Callable[..., None]
) -> None:
    put("a.md"), put("b/c.md")
    reader("s3:ListBucket")
    connector = connect(endpoint)
    listed = items(connector)
    assert [item.source for item in listed] == ["s3://harbour/a.md", "s3://harbour/b/c.md"]
    for item in listed:
        with pytest.raises(DocumentError, match="access is denied; check the credentials"):
            item.load()
    assert connector.covers("s3://harbour/a.md")


def test_rules_that_cannot_be_read_let_nothing_through(
    endpoint: str, put: Put, reader: Callable[..., None]
) -> None:
    put("a.md"), put("b/.ragignore", "c.md"), put("b/c.md")
    reader("s3:ListBucket")
    connector = connect(endpoint)
    assert sources(connector) == ["a.md", "b"]
    assert not connector.covers("s3://harbour/b/c.md") and connector.covers("s3://harbour/a.md")


def test_a_bucket_that_may_not_be_listed(
    endpoint: str, put: Put, reader: Callable[..., None]
) -> None:
    put("a.md")
    reader("s3:GetObject")
    with pytest.raises(SourceError, match="cannot list s3://harbour: access is denied"):
        items(connect(endpoint))


def test_wrong_credentials(
    endpoint: str, reader: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader("s3:ListBucket")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-key")
    with pytest.raises(SourceError) as caught:
        items(connect(endpoint))
    assert "access is denied; check the credentials" in str(caught.value)
    assert "not-the-key" not in str(caught.value)
