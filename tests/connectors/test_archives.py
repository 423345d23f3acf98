"""Archives as users have them, and as an attacker would make them."""

import io
import lzma
import random
import resource
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rag.connectors.remote import RemoteConnector
from rag.connectors.storage import archive, unpacking
from rag.errors import DocumentError, SourceError
from rag.protocols import Connector
from rag.sources import open_sources
from rag.testing import ConnectorSuite
from rag.types import Failure, Item

Pack = Callable[[Path, dict[str, bytes]], Path]
FILES = {"handbook/a.md": b"# Ports\n\nText.", "b.txt": b"More.", "handbook/z/c.md": b"Deep."}
TARS = ("docs.tar", "docs.tar.gz", "docs.tgz", "docs.tar.bz2", "docs.tar.xz")


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return path


def tarred(path: Path, files: dict[str, bytes]) -> Path:
    ways = {".gz": "w:gz", "tgz": "w:gz", "bz2": "w:bz2", ".xz": "w:xz"}
    with tarfile.open(path, ways.get(path.name[-3:], "w")) as packed:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            packed.addfile(info, io.BytesIO(data))
    return path


def packed(path: Path, files: dict[str, bytes]) -> Path:
    return (zipped if path.suffix == ".zip" else tarred)(path, files)


def connect(path: Path, inner: str = "", **options: Any) -> RemoteConnector:
    url = f"{inner}::{path}" if inner else str(path)
    return RemoteConnector(url=url, base=path.parent, **options)


def sources(connector: Connector) -> list[str]:
    return [step.source for step in connector.items()]


def items(connector: Connector) -> list[Item]:
    return [step for step in connector.items() if isinstance(step, Item)]


def told(connector: Connector) -> dict[str, str]:
    """The text or the error of each item."""
    found = {}
    for step in connector.items():
        try:
            found[step.source] = step.error if isinstance(step, Failure) else step.load().text
        except DocumentError as error:
            found[step.source] = str(error)
    assert not any("\n" in line for line in found.values() if line.startswith("is "))
    return found


class TestZip(ConnectorSuite):
    name = "docs.zip"

    def make(self, folder: Path) -> RemoteConnector:
        return connect(packed(folder / self.name, {**FILES, "bad.md": b"\0\1"}))


class TestTar(TestZip):
    name = "docs.tar"


class TestCompressedTar(TestZip):
    name = "docs.tar.gz"


@pytest.mark.parametrize("name", ["docs.zip", *TARS, "DOCS.ZIP"])
def test_an_archive_given_by_name_is_a_source(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed(tmp_path / name, FILES) if name != "DOCS.ZIP" else zipped(tmp_path / name, FILES)
    monkeypatch.chdir(tmp_path)
    kind = "zip" if "zip" in name.lower() else "tar"
    for given in (name, Path(name), f"file://{tmp_path}/{name}", {"use": "remote", "url": name}):
        connector = open_sources([given], base=tmp_path)
        assert told(connector) == {
            f"{kind}://b.txt::{name}": "More.",
            f"{kind}://handbook/a.md::{name}": "# Ports\n\nText.",
            f"{kind}://handbook/z/c.md::{name}": "Deep.",
        }


@pytest.mark.parametrize("name", ["docs.zip", "docs.tgz"])
def test_a_chain_chooses_among_the_members(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed(tmp_path / name, FILES)
    monkeypatch.chdir(tmp_path)
    kind = "zip" if name.endswith("zip") else "tar"
    some = open_sources([f"{kind}://**/*.md::{name}"], base=tmp_path)
    assert [item.source.split("::")[0] for item in items(some)] == [
        f"{kind}://handbook/a.md", f"{kind}://handbook/z/c.md"
    ]  # fmt: skip
    assert some.covers(f"{kind}://gone.md::{name}")
    assert not some.covers(f"{kind}://b.txt::{name}") and not some.covers(f"{kind}://x.md::y.zip")
    one = open_sources([f"{kind}://b.txt::{name}"], base=tmp_path)
    assert [item.load().text for item in items(one)] == ["More."]


def test_a_chain_that_is_none(tmp_path: Path) -> None:
    for url, said in (
        ("zip://a.md", "names no archive"),
        ("zip://a.md::tar://b.zip::c.tar", "archive within an archive"),
        ("zip://a.md::nowhere.zip", "no such archive: '.*nowhere.zip'"),
        ("notes", "neither a URL of storage nor an archive"),
    ):
        with pytest.raises(SourceError, match=said):
            RemoteConnector(url=url, base=tmp_path)


@pytest.mark.parametrize("name", ["docs.zip", "docs.tar", "docs.tar.xz"])
def test_members_with_bad_names_are_failures(tmp_path: Path, name: str) -> None:
    names = ("../up.md", "/etc/abs.md", "a\\b.md", "x/../../y.md", "C:/z.md", "fine.md")
    path = packed(tmp_path / name, dict.fromkeys(names, b"Text."))
    found = {
        source.split("::")[0].partition("//")[2]: line
        for source, line in told(connect(path)).items()
    }
    assert found.pop("fine.md") == "Text."
    assert "backslash" in found.pop("a\\b.md")
    # tarfile itself takes the slash off an absolute name.
    absolute = found.pop("etc/abs.md", None) or found.pop("/etc/abs.md")
    assert absolute == "Text." or "leads outside" in absolute
    assert sorted(found) == ["../up.md", "C:/z.md", "x/../../y.md"]
    assert all("leads outside the archive" in line for line in found.values())


@pytest.mark.parametrize("name", ["docs.zip", "docs.tar"])
def test_hidden_nested_and_other_members_are_passed_over(tmp_path: Path, name: str) -> None:
    inner = zipped(tmp_path / "inner.zip", FILES).read_bytes()
    files = {".x.md": b"x", "__MACOSX/._a.md": b"x", "a.md": b"x", "in.zip": inner, "b.exe": b"x"}
    connector = connect(packed(tmp_path / name, files))
    assert len(sources(connector)) == 1
    assert connector.skipped == {".zip": 1, ".exe": 1}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("write", [zipped, tarred])
def test_of_duplicates_the_last_counts(tmp_path: Path, write: Pack) -> None:
    path = write(tmp_path / ("x.zip" if write is zipped else "x.tar"), {"a.md": b"old"})
    if write is zipped:
        with zipfile.ZipFile(path, "a") as more:
            more.writestr("a.md", "new")
    else:
        with tarfile.open(path, "a") as more_tar:
            info = tarfile.TarInfo("a.md")
            info.size = 3
            more_tar.addfile(info, io.BytesIO(b"new"))
    connector = connect(path)
    assert list(told(connector).values()) == ["new"]
    assert connector.skipped == {"duplicate": 1}


def test_links_and_devices_in_a_tar_are_never_followed(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as packed_tar:
        for name, kind, target in (
            ("passwd.md", tarfile.SYMTYPE, "/etc/passwd"),
            ("up.md", tarfile.LNKTYPE, "../../etc/passwd"),
            ("same.md", tarfile.LNKTYPE, "a.md"),
            ("pipe.md", tarfile.FIFOTYPE, ""),
            ("disk.md", tarfile.CHRTYPE, ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            packed_tar.addfile(info)
        info = tarfile.TarInfo("a.md")
        info.size = 4
        packed_tar.addfile(info, io.BytesIO(b"Text"))
    connector = connect(tmp_path / "x.tar")
    assert list(told(connector)) == ["tar://a.md::x.tar"]
    assert connector.skipped == {"link": 3, "special": 2}


def test_a_link_in_a_zip_is_never_followed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed_zip:
        info = zipfile.ZipInfo("passwd.md")
        info.external_attr = 0o120777 << 16
        packed_zip.writestr(info, "/etc/passwd")
        packed_zip.writestr("a.md", "Text")
    connector = connect(tmp_path / "x.zip")
    assert list(told(connector)) == ["zip://a.md::x.zip"] and connector.skipped == {"link": 1}


def test_an_encrypted_member_is_a_failure(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"a.md": b"Text", "b.md": b"Text"})
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\1\2")  # a.md in the central directory
    data[at + 8] |= 1
    path.write_bytes(data)
    found = list(told(connect(path)).values())
    assert "is encrypted" in found[0] and found[1] == "Text"


def test_a_checksum_that_is_wrong_and_a_method_that_is_rare(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as packed_zip:
        packed_zip.writestr("a.md", "Marked text")
        packed_zip.writestr("b.md", "Text", compress_type=zipfile.ZIP_BZIP2)
    path.write_bytes(path.read_bytes().replace(b"Marked", b"Forged"))
    found = list(told(connect(path)).values())
    assert "is damaged in its archive" in found[0] and "rare way" in found[1]


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tgz"])
def test_a_member_over_the_limit_is_a_failure(tmp_path: Path, name: str) -> None:
    path = packed(tmp_path / name, {"a.md": b"x" * 50, "b.md": b"y" * 5})
    found = list(told(connect(path, max_bytes=10)).values())
    assert "max_bytes = 10" in found[0] and found[1] == "y" * 5


def _bomb(size: int) -> bytes:
    return b"a" * size


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz", "x.tar.bz2", "x.tar.xz"])
def test_bombs_are_refused(tmp_path: Path, name: str) -> None:
    path = packed(tmp_path / name, {"a.md": _bomb(30_000_000), "b.md": b"Text"})
    connector = connect(path)
    (failure,) = connector.items()
    assert isinstance(failure, Failure) and failure.source == name
    assert "more than 200 times its size" in failure.error
    assert not connector.covers(f"{name[2:5]}://a.md::{name}")


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz"])
def test_what_an_archive_unpacks_to_is_bounded(tmp_path: Path, name: str) -> None:
    noise = random.Random(1)
    files = {f"{n}.md": bytes(noise.choices(range(97, 123), k=40_000)) for n in range(10)}
    path = packed(tmp_path / name, files)
    (failure,) = connect(path, max_unpacked=300_000).items()
    assert isinstance(failure, Failure) and "over the limit of 300,000" in failure.error
    assert len(items(connect(path, max_unpacked=500_000))) == 10


def test_members_that_share_bytes_are_a_bomb(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"a.md": b"Text " * 50, "b.md": b"Text " * 50})
    data = bytearray(path.read_bytes())
    second = data.rindex(b"PK\1\2")
    data[second + 42 : second + 46] = b"\0\0\0\0"  # b.md, too, lies where a.md does
    path.write_bytes(data)
    (failure,) = connect(path).items()
    assert isinstance(failure, Failure) and "share bytes" in failure.error


def test_the_size_that_a_member_declares_is_not_believed(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"a.md": b"Text " * 1000})
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\1\2")
    data[entry + 24 : entry + 28] = (9).to_bytes(4, "little")
    path.write_bytes(data)
    (line,) = told(connect(path, max_bytes=100)).values()
    assert "damaged" in line


def test_an_archive_that_holds_itself_is_not_unpacked_again(tmp_path: Path) -> None:
    data = b""
    for _ in range(50):  # nested fifty deep
        data = zipped(tmp_path / "x.zip", {"x.zip": data, "a.md": b"Text"}).read_bytes()
    connector = connect(tmp_path / "x.zip")
    assert list(told(connector).values()) == ["Text"] and connector.skipped == {".zip": 1}


def test_headers_of_a_tar_that_lead_backwards_or_ask_for_too_much(tmp_path: Path) -> None:
    header = bytearray(tarfile.TarInfo("a.md").tobuf())

    def sized(size: bytes, kind: bytes) -> bytes:
        made = bytearray(header)
        made[124:136], made[156:157] = size, kind
        made[148:156] = b" " * 8
        made[148:156] = b"%06o\0 " % sum(made)
        return bytes(made)

    # CVE-2025-8194: a negative size leads tarfile back to the same header.
    for size in (
        b"\xff" * 11 + b"\x00",
        b"\xff" * 10 + b"\xfc\x00",
        b"\x80" + b"\0" * 6 + b"\x7f" * 5,
    ):
        for kind in (b"0", b"x", b"g", b"L", b"K", b"S"):
            (tmp_path / "x.tar").write_bytes(header + sized(size, kind) + b"\0" * 4096)
            started = time.monotonic()
            steps = list(connect(tmp_path / "x.tar").items())
            assert time.monotonic() - started < 5
            assert not steps or isinstance(steps[-1], Failure | Item)


def test_a_header_as_long_as_the_archive_is_not_read_whole(tmp_path: Path) -> None:
    info = tarfile.TarInfo("long")
    info.type, info.size = tarfile.XHDTYPE, 200_000_000
    path = tmp_path / "x.tar"
    with path.open("wb") as file:
        file.write(info.tobuf())
        file.truncate(200_001_024)
    (failure,) = connect(path).items()
    assert isinstance(failure, Failure) and "impossible size" in failure.error


def test_a_dictionary_of_gigabytes_is_refused() -> None:
    huge = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 20}]
    data = bytearray(lzma.compress(b"x" * 100, lzma.FORMAT_XZ, filters=huge))
    header = 12
    size = (data[header] + 1) * 4
    place = data.index(bytes([0x21, 0x01]), header) + 2
    data[place] = 39  # 3 GiB
    import zlib

    data[header + size - 4 : header + size] = zlib.crc32(data[header : header + size - 4]).to_bytes(
        4, "little"
    )
    with pytest.raises(DocumentError, match="cannot be unpacked: Memory"):
        unpacking.unpacked(io.BytesIO(bytes(data)), 1000)


def test_xz_streams_one_after_the_other_are_one_file() -> None:
    data = lzma.compress(b"one ") + b"\0" * 8 + lzma.compress(b"two")
    with unpacking.unpacked(io.BytesIO(data), 1000) as file:
        assert file.read() == b"one two"
    with pytest.raises(DocumentError, match="ends early"):
        unpacking.unpacked(io.BytesIO(data[:-20]), 1000)


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_MEMBERS", 5)
    path = zipped(tmp_path / "x.zip", {f"{n}.md": b"x" for n in range(6)})
    (failure,) = connect(path).items()
    assert isinstance(failure, Failure) and "more than 5 members" in failure.error


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tgz", "x.tar.bz2", "x.tar.xz"])
def test_damaged_archives_fail_in_one_line_and_cover_nothing(tmp_path: Path, name: str) -> None:
    path = packed(tmp_path / name, FILES)
    whole = path.read_bytes()
    # Within the second member of the tar: zeros fill up the rest.
    for data in (
        b"",
        b"no archive",
        whole[: min(len(whole) // 2, 1500)],
    ):
        path.write_bytes(data)
        connector = connect(path)
        steps = list(connector.items())
        failures = [step for step in steps if isinstance(step, Failure)]
        assert len(failures) == 1 and "\n" not in failures[0].error
        assert not connector.covers(f"{name[2:5]}://gone.md::{name}")
    path.write_bytes(whole)
    assert len(items(connector)) == 3 and connector.covers(items(connector)[0].source)


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tgz"])
def test_mutated_archives_neither_crash_nor_hang(tmp_path: Path, name: str) -> None:
    noise = random.Random(7)
    path = packed(tmp_path / name, FILES)
    whole = path.read_bytes()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(noise.randint(1, 8)):
            data[noise.randrange(len(data))] = noise.randrange(256)
        path.write_bytes(data[: noise.randint(1, len(data))] if noise.random() < 0.2 else data)
        started = time.monotonic()
        told(connect(path))
        assert time.monotonic() - started < 5
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200_000  # kibibytes


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tgz"])
def test_versions_follow_the_members(tmp_path: Path, name: str) -> None:
    path = packed(tmp_path / name, FILES)
    before = {item.id: item.version for item in items(connect(path))}
    assert {item.id: item.version for item in items(connect(path))} == before
    packed(path, {**FILES, "b.txt": b"Else."})
    after = {item.id: item.version for item in items(connect(path))}
    changed = {key for key in before if before[key] != after[key]}
    assert f"{name[2:5].replace('tgz', 'tar')}://b.txt::{name}" in changed


def test_items_load_later_in_any_order_and_from_threads(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    files = {f"{n:03}.md": f"Text {n}. ".encode() * 500 for n in range(200)}
    for name in ("x.zip", "x.tar", "x.tar.gz"):
        listed = items(connect(packed(tmp_path / name, files)))
        random.Random(3).shuffle(listed)
        with ThreadPoolExecutor(4) as pool:
            texts = list(pool.map(lambda item: item.load().text, listed))
        for item, text in zip(listed, texts, strict=True):
            assert text.encode() == files[item.source.partition("//")[2].partition("::")[0]]


def test_what_is_no_regular_file(tmp_path: Path) -> None:
    (tmp_path / "x.zip").mkdir()
    (failure,) = connect(tmp_path / "x.zip").items()
    assert isinstance(failure, Failure) and "not a regular file" in failure.error


@pytest.mark.parametrize("at", [1024, 1100, 1536, 2048])
def test_a_tar_that_is_cut_off_or_has_a_bad_header_covers_nothing(tmp_path: Path, at: int) -> None:
    whole = packed(tmp_path / "x.tar", FILES).read_bytes()
    for data in (whole[:at], whole[:1024] + b"?" * 512 + whole[1536:]):
        (tmp_path / "x.tar").write_bytes(data)
        connector = connect(tmp_path / "x.tar")
        (failure,) = connector.items()
        assert isinstance(failure, Failure) and "damaged" in failure.error
        assert not connector.covers("tar://b.txt::x.tar")
