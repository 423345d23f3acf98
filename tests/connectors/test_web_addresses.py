"""Which addresses are connected to: decided on what a name resolves to, each time."""

from collections.abc import Sequence

import httpcore2
import pytest

from rag.connectors.web.addresses import AddressCheck, is_public
from rag.connectors.web.exchange import Limits
from rag.connectors.web.failing import FetchError
from rag.connectors.web.fetching import Fetcher
from rag.connectors.web.network import CheckedNetwork
from rag.connectors.web.url import authorisation, normalised, site


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "0.0.0.0", "100.64.0.1", "192.0.0.8", "198.18.0.1", "224.0.0.1", "239.1.1.1",
        "240.0.0.1", "255.255.255.255", "192.0.2.1",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1",
        "2001:db8::1", "2001::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
        "2002:a00:1::", "192.88.99.1", "64:ff9b:1::808:808", "3fff::1", "nonsense", "",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


def check(*addresses: str, allow: Sequence[str] = ()) -> AddressCheck:
    return AddressCheck(allow, lambda host, port: list(addresses))


def test_a_private_answer_is_refused_and_the_message_says_what_to_do() -> None:
    with pytest.raises(FetchError, match=r"host 'intra' has a private .* allow: \[intra\]"):
        check("10.1.2.3").addresses("intra", 80)


def test_of_mixed_answers_only_the_public_ones_are_tried() -> None:
    assert check("10.0.0.1", "8.8.8.8", "::1").addresses("mixed.example", 80) == ["8.8.8.8"]


@pytest.mark.parametrize("host", ["intra", "INTRA", "intra."])
def test_an_allowed_host_may_be_private(host: str) -> None:
    assert check("10.1.2.3", allow=["Intra"]).addresses(host, 80) == ["10.1.2.3"]


def test_allowing_one_host_allows_no_other_with_its_address() -> None:
    with pytest.raises(FetchError, match="private"):
        check("10.1.2.3", allow=["intra"]).addresses("intra.example", 80)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]"])
def test_other_spellings_of_loopback_are_refused(host: str) -> None:
    # Not a fake: this is how the system's own resolver reads them.
    with pytest.raises(FetchError):
        AddressCheck(()).addresses(host, 80)


def test_an_unknown_host_is_told() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(FetchError, match="host 'nowhere' is not known"):
        AddressCheck((), unknown).addresses("nowhere", 80)


def test_the_checked_address_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that answers differently each time (DNS rebinding) is asked once a connection."""
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    asked: list[str] = []
    tried: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    def connect(self: object, host: str, *rest: object) -> None:
        tried.append(host)
        raise httpcore2.ConnectError("not in a test")

    monkeypatch.setattr(httpcore2.SyncBackend, "connect_tcp", connect)
    fetcher = Fetcher(Limits(delay=0, retries=0), AddressCheck((), resolver))
    with pytest.raises(FetchError, match="cannot be reached"):
        fetcher.fetch("http://rebind.example/")
    assert (asked, tried) == (["rebind.example"], ["8.8.8.8"])
    with pytest.raises(FetchError, match="private or reserved"):
        fetcher.fetch("http://rebind.example/")
    assert tried == ["8.8.8.8"]


def test_nothing_is_read_after_the_deadline() -> None:
    network = CheckedNetwork(check("8.8.8.8"))
    with pytest.raises(httpcore2.ReadTimeout):
        network.left(5.0)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("HTTP://Example.COM:80/a/../b/./c#frag", "http://example.com/b/c"),
        ("https://example.com:443", "https://example.com/"),
        ("http://example.com./x", "http://example.com/x"),
        ("http://example.com:8080/x?", "http://example.com:8080/x"),
        ("http://h.example/%7euser/%2f?q=%c3%a4", "http://h.example/~user/%2F?q=%C3%A4"),
        ("http://bücher.example/ü", "http://xn--bcher-kva.example/%C3%BC"),
        ("http://u:secret@h.example/x", "http://h.example/x"),
        (" http://h.example/\na b ", "http://h.example/a%20b"),
        ("http://[::1]:8080/", "http://[::1]:8080/"),
        ("ftp://h.example/", None),
        ("file:///etc/passwd", None),
        ("javascript:alert(1)", None),
        ("http:///x", None),
        ("http://a b/", None),
        ("nonsense", None),
        ("", None),
        ("http://h.example/" + "x" * 5000, None),
    ],
)
def test_one_spelling(address: str, found: str | None) -> None:
    assert normalised(address) == found
    if found is not None:
        assert normalised(found) == found


def test_relative_addresses_and_sites() -> None:
    assert normalised("../c?d#e", "http://h.example/a/b/x") == "http://h.example/a/c?d"
    assert normalised("//x.example/c", "https://h.example/") == "https://x.example/c"
    assert normalised("mailto:a@b.example", "https://h.example/") is None
    assert site("https://h.example:8443/x?y=/") == "h.example:8443"
    assert authorisation("http://u:p@h.example/") == "Basic dTpw"
    assert authorisation("http://h.example/") is None
