"""Where a provider may be called (threat 39): checked when the socket opens, in every client that we hand out."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import anthropic
import httpx2
import openai
import pytest
import requests
from google import genai
from pytest_django import Settings

from apps.providers import network
from apps.providers.network import HostRefusedError, refused_host, was_never_sent
from apps.providers.sdk import sdk
from tests.providers.standins.base import Reply, Request, Route, StandIn

KEY = "canary-key-4711"
VENDOR = ("api.vendor.test",)

Call = Callable[[str, tuple[str, ...]], Any]


class Recorder(StandIn):
    """Answers everything, or sends everything on, and keeps the headers it saw."""

    forward_to = ""

    def routes(self) -> list[Route]:
        return [(method, ".*", self.any) for method in ("GET", "POST")]

    def any(self, request: Request) -> Reply:
        if self.forward_to:
            return Reply(307, {}, {"Location": self.forward_to + request.path})
        return Reply(200, {"ok": True})

    @property
    def has_key(self) -> bool:
        return any(KEY in value for call in self.calls for value in call.headers.values())


@pytest.fixture
def server() -> Iterator[Recorder]:
    with Recorder() as server:
        yield server


@pytest.fixture
def elsewhere() -> Iterator[Recorder]:
    with Recorder() as server:
        yield server


@pytest.fixture(autouse=True)
def _nothing_listed(settings: Settings) -> None:
    settings.PROVIDER_HOSTS = ()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """A resolver of our own: each question takes the next answer, the last one stays. Addresses resolve as ever."""
    answers: dict[str, list[str]] = {}
    plain = socket.getaddrinfo

    def resolve(host: str, *args: Any, **options: Any) -> Any:
        if host in answers:
            given = answers[host]
            host = given.pop(0) if len(given) > 1 else given[0]
        elif not host.replace(".", "").replace(":", "").isalnum() or host.endswith(".test"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return plain(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return answers


def by_httpx(url: str, hosts: tuple[str, ...]) -> Any:
    with network.http_client(hosts, timeout=5) as client:
        # Header and body: what would give a key and a prompt away.
        return client.post(url, headers={"x-api-key": KEY}, json={}, follow_redirects=True)


def by_requests(url: str, hosts: tuple[str, ...]) -> Any:
    with network.guarded_session(hosts) as session:
        return session.post(url, headers={"x-api-key": KEY}, json={}, allow_redirects=True, timeout=5)


def bedrock(url: str) -> Any:
    return sdk("boto3").client(
        "bedrock",
        endpoint_url=url,
        config=sdk("botocore.config").Config(
            retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=5
        ),
        region_name="eu-central-1",
        aws_access_key_id="id",
        aws_secret_access_key="secret",
        # Of AWS's credentials this one travels.
        aws_session_token=KEY,
    )


def by_botocore(url: str, hosts: tuple[str, ...]) -> Any:
    with closing(bedrock(url)) as client:
        network.guard_botocore(client, hosts)
        return client.stop_model_invocation_job(jobIdentifier="a-batch-inference-job")


def by_openai(url: str, hosts: tuple[str, ...]) -> Any:
    with network.http_client(hosts, timeout=5) as http:
        client = openai.OpenAI(base_url=url, api_key=KEY, max_retries=0, http_client=http)
        return client.batches.create(input_file_id="f", endpoint="/v1/responses", completion_window="24h")


def by_anthropic(url: str, hosts: tuple[str, ...]) -> Any:
    with network.http_client(hosts, timeout=5) as http:
        client = anthropic.Anthropic(base_url=url, api_key=KEY, max_retries=0, http_client=http)
        return client.messages.batches.create(requests=[])


def by_genai(url: str, hosts: tuple[str, ...]) -> Any:
    with network.http_client(hosts, timeout=5) as http:
        options: Any = {"base_url": url, "httpx_client": http}
        client = genai.Client(api_key=KEY, http_options=options)
        return client.batches.create(model="m", src="files/f")


CLIENTS: list[Call] = [by_httpx, by_requests, by_botocore]
SDKS: list[Call] = [by_openai, by_anthropic, by_genai]
each_client = pytest.mark.parametrize("call", [*CLIENTS, *SDKS])


# At connect


@each_client
def test_a_listed_host_is_reached(call: Call, server: Recorder, settings: Settings) -> None:
    settings.PROVIDER_HOSTS = ("127.0.0.1",)
    call(server.url, ())
    assert len(server.calls) == 1


@each_client
def test_a_host_that_is_not_listed_gets_nothing_and_the_error_says_so(call: Call, server: Recorder) -> None:
    with pytest.raises(Exception, match=r".") as caught:
        call(server.url, VENDOR)
    refusal = refused_host(caught.value)
    assert refusal is not None
    assert "PROVIDER_HOSTS" in str(refusal)
    assert was_never_sent(caught.value)
    assert KEY not in f"{caught.value} {refusal}"
    assert server.calls == []


def test_plain_clients_do_reach_it(server: Recorder) -> None:
    """Negative control: the servers of these tests answer whoever asks."""
    httpx2.post(server.url, headers={"x-api-key": KEY})
    requests.post(server.url, headers={"x-api-key": KEY}, timeout=5)
    with closing(bedrock(server.url)) as client:
        client.stop_model_invocation_job(jobIdentifier="a-batch-inference-job")
    assert [server.has_key, len(server.calls)] == [True, 3]


@pytest.mark.parametrize("call", CLIENTS)
@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0177.0.0.1",
        "0x7f000001",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "localhost",
    ],
)
def test_no_spelling_of_this_machine_is_reached(call: Call, host: str, server: Recorder) -> None:
    with pytest.raises(Exception, match=r".") as caught:
        call(server.url.replace("127.0.0.1", host), VENDOR)
    assert server.calls == []
    # The libraries find some of these no host at all, before anybody asks us.
    assert refused_host(caught.value) or isinstance(caught.value, ValueError | httpx2.InvalidURL)


@pytest.mark.parametrize("call", [by_httpx, by_requests])
@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "http://api.vendor.test", f"https://x:{KEY}@api.vendor.test"]
)
def test_a_url_that_could_not_be_saved_is_not_called_either(call: Call, url: str) -> None:
    with pytest.raises(HostRefusedError) as caught:
        call(url, VENDOR)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("call", CLIENTS)
@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "224.0.0.1",
        "255.255.255.255", "::1", "::", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1",
        "2002:7f00:1::", "fe80::1", "fc00::1", "fec0::1", "ff02::1",
    ],
)  # fmt: skip
def test_the_vendors_name_at_an_address_that_is_not_public_is_refused(
    call: Call, address: str, names: dict[str, list[str]]
) -> None:
    names["api.vendor.test"] = [address]
    with pytest.raises(Exception, match=r".") as caught:
        call("https://api.vendor.test", VENDOR)
    refusal = refused_host(caught.value)
    assert refusal is not None
    assert "not a public address" in str(refusal)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_a_public_address_is_fit_to_be_called(address: str, names: dict[str, list[str]]) -> None:
    names["api.vendor.test"] = [address]
    assert network.addresses_of("api.vendor.test", 443, hosts=VENDOR) != []


def test_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*args: Any, **options: Any) -> Any:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("8.8.8.8", "10.0.0.1")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(HostRefusedError, match=r"10\.0\.0\.1"):
        network.addresses_of("api.vendor.test", 443, hosts=VENDOR)


# Rebinding


@pytest.mark.parametrize("call", CLIENTS)
def test_a_name_is_resolved_once_and_the_checked_address_is_called(
    call: Call, server: Recorder, names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer changes after the check. Were the name asked again, this machine would be called."""
    called: list[str] = []
    plain = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        called.append(address[0])
        # Nothing leaves this machine: a public address refuses.
        if address[0] != "127.0.0.1":
            raise ConnectionRefusedError(111, "Connection refused")
        plain(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    names["api.vendor.test"] = ["8.8.8.8", "127.0.0.1"]
    with pytest.raises(Exception, match=r".") as caught:
        call("https://api.vendor.test", VENDOR)
    assert called == ["8.8.8.8"]
    assert was_never_sent(caught.value)
    assert refused_host(caught.value) is None


def test_who_checks_first_and_connects_by_name_is_rebound(
    server: Recorder, names: dict[str, list[str]]
) -> None:
    """Negative control: a check before a plain client, as one would write it first."""
    names["api.vendor.test"] = ["8.8.8.8", "127.0.0.1"]
    assert network.addresses_of("api.vendor.test", 443, hosts=VENDOR) == ["8.8.8.8"]
    httpx2.post(server.url.replace("127.0.0.1", "api.vendor.test"), headers={"x-api-key": KEY})
    assert server.has_key


# Redirects and proxies


@each_client
def test_a_redirect_is_not_followed_and_carries_no_key(
    call: Call, server: Recorder, elsewhere: Recorder, settings: Settings
) -> None:
    """Even to a host that is listed."""
    settings.PROVIDER_HOSTS = ("127.0.0.1",)
    server.forward_to = elsewhere.url
    # Some raise for a 307 and some return it.
    with suppress(Exception):
        call(server.url, ())
    assert [server.has_key, len(server.calls)] == [True, 1]
    assert elsewhere.calls == []


def test_plain_clients_forward_the_key(server: Recorder, elsewhere: Recorder) -> None:
    """Negative control."""
    server.forward_to = elsewhere.url
    httpx2.post(server.url, headers={"x-api-key": KEY}, follow_redirects=True)
    assert elsewhere.has_key
    elsewhere.calls.clear()
    requests.post(server.url, headers={"x-api-key": KEY}, timeout=5)
    assert elsewhere.has_key


@each_client
def test_a_proxy_of_the_environment_is_not_used(
    call: Call,
    server: Recorder,
    elsewhere: Recorder,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.PROVIDER_HOSTS = (server.url.removeprefix("http://"),)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, elsewhere.url)
    call(server.url, ())
    assert len(server.calls) == 1
    assert elsewhere.calls == []


def test_a_plain_client_uses_the_proxy(
    server: Recorder, elsewhere: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control."""
    monkeypatch.setenv("HTTP_PROXY", elsewhere.url)
    httpx2.post(server.url, headers={"x-api-key": KEY})
    assert elsewhere.has_key


# What was sent, and what was not


@each_client
def test_a_refused_connection_and_an_unknown_name_were_never_sent(
    call: Call, settings: Settings, names: dict[str, list[str]]
) -> None:
    settings.PROVIDER_HOSTS = ("127.0.0.1", "gone.test")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        for url in (f"http://127.0.0.1:{taken.getsockname()[1]}", "http://gone.test"):
            with pytest.raises(Exception, match=r".") as caught:
                call(url, ())
            assert was_never_sent(caught.value)
            assert refused_host(caught.value) is None


@each_client
def test_a_connection_that_is_lost_after_the_request_may_have_been_sent(
    call: Call, server: Recorder, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PROVIDER_HOSTS = ("127.0.0.1",)
    monkeypatch.setattr(server, "any", lambda request: Reply(is_dropped=True))
    with pytest.raises(Exception, match=r".") as caught:
        call(server.url, ())
    assert len(server.calls) == 1
    assert not was_never_sent(caught.value)


@each_client
def test_a_server_that_does_not_speak_tls_was_never_sent_anything(
    call: Call, server: Recorder, settings: Settings
) -> None:
    settings.PROVIDER_HOSTS = ("127.0.0.1",)
    with pytest.raises(Exception, match=r".") as caught:
        call(server.url.replace("http:", "https:"), ())
    assert was_never_sent(caught.value)


def test_a_connection_that_fails_after_something_was_sent_proves_nothing(settings: Settings) -> None:
    settings.PROVIDER_HOSTS = ("127.0.0.1",)

    def try_again(url: str) -> None:
        """As an SDK does that retries."""
        try:
            raise TimeoutError("The answer did not come.")
        except TimeoutError:
            by_httpx(url, ())

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(httpx2.ConnectError) as caught:
            try_again(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert not was_never_sent(caught.value)
