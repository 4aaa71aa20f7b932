"""Which hosts a provider's connection may reach, asked when it is saved and again when the socket opens.

A connection's base URL is typed by people, and the key goes wherever it points. So a host must be one of the
vendor's own, over https, or be listed by the operator in ``PROVIDER_HOSTS`` ("host" or "host:port"); and every
address of a host that is not listed must be a public one. A name is resolved once and the checked address is the
one that is connected to: an answer that changes in between (DNS rebinding) changes nothing. Redirects are not
followed and proxies of the environment are not used, since both would send the key elsewhere.

The clients themselves are in ``network_httpx`` and ``network_urllib3``, which need packages of the providers extra.
"""

from __future__ import annotations

import importlib
import ipaddress
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from apps.core.errors import DomainError
from apps.providers.base import DefiniteRefusalError
from apps.providers.sdk import sdk

if TYPE_CHECKING:
    import httpx2
    import requests

T = TypeVar("T")
# 6to4 and NAT64: an IPv4 address in IPv6 clothes, which a gateway of this network may undress.
NAT64 = ipaddress.ip_network("64:ff9b::/96")
PORTS = {"http": 80, "https": 443}


class NotConnectedError(Exception):
    """No connection was opened, so that nothing was sent."""


class HostRefusedError(NotConnectedError, DefiniteRefusalError):
    """This host may not be called. The message says why, and what the operator can do about it."""


def check_base_url(url: str, *, hosts: Sequence[str]) -> None:
    """DomainError unless ``url`` is https to one of ``hosts``, or http(s) to a host in PROVIDER_HOSTS.

    In ``hosts`` a ``*`` stands for one label of the name or for a part of one, as in a certificate.
    """
    if reason := _reason_against(url, hosts):
        raise DomainError(f"The base URL cannot be used: {reason}")


def check_request_url(url: str, *, hosts: Sequence[str]) -> None:
    """HostRefusedError by the same rule: the last look before a socket is asked for."""
    if reason := _reason_against(url, hosts):
        raise HostRefusedError(f"Nothing was sent: {reason}")


def addresses_of(host: str, port: int, *, hosts: Sequence[str]) -> list[str]:
    """The addresses of ``host``, resolved once, all of them fit to be connected to.

    HostRefusedError when the host or one of its addresses may not be; NotConnectedError when it has none.
    """
    name = _canonical(host)
    is_listed = _is_listed(name, port)
    if not is_listed and not (port == PORTS["https"] and _is_own(name, hosts)):
        raise HostRefusedError(f"Nothing was sent: {_foreign(name, port, hosts)}")
    for address in (addresses := _resolve(name, port)):
        if not is_listed and not _is_public(address):
            raise HostRefusedError(
                f"Nothing was sent: {name} resolves to {address}, which is not a public address. If that is "
                f"meant (a private endpoint, a server of your own), the operator adds {name} to PROVIDER_HOSTS."
            )
    return addresses


def first_connection(
    addresses: Sequence[str], connect: Callable[[str], T], failures: tuple[type[Exception], ...]
) -> T:
    """What ``connect`` returns for the first address that answers; the last of ``failures`` when none does."""
    for address in addresses[:-1]:
        try:
            return connect(address)
        except failures:
            continue
    return connect(addresses[-1])


def http_client(hosts: Sequence[str], *, timeout: float) -> httpx2.Client:
    """A client for openai, anthropic and google-genai; ``timeout`` in seconds for each step of a call."""
    sdk("httpx2")
    client: httpx2.Client = _sibling("network_httpx").GuardedClient(hosts, timeout=timeout)
    return client


def guarded_session(hosts: Sequence[str]) -> requests.Session:
    """A session of requests."""
    session: requests.Session = sdk("requests").Session()
    guard_session(session, hosts)
    return session


def guard_session(session: requests.Session, hosts: Sequence[str]) -> None:
    """Guards a session that somebody else made, such as google-auth's ``AuthorizedSession``."""
    sdk("requests")
    _sibling("network_urllib3").guard_session(session, hosts)


def guard_botocore(client: Any, hosts: Sequence[str]) -> None:
    """Guards a client of boto3."""
    sdk("botocore")
    _sibling("network_urllib3").guard_botocore(client, hosts)


def refused_host(error: BaseException) -> HostRefusedError | None:
    """The refusal that an SDK wrapped into ``error``, if that is what it was."""
    return next((link for link in _chain(error) if isinstance(link, HostRefusedError)), None)


def was_never_sent(error: BaseException) -> bool:
    """True when ``error`` is for certain that no connection could be opened: the other side made nothing.

    A connection that failed while another error was being handled does not count: an SDK may have tried again
    after something was sent.
    """
    return any(isinstance(link, NotConnectedError) and link.__context__ is None for link in _chain(error))


def _sibling(name: str) -> Any:
    return importlib.import_module(f"apps.providers.{name}")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """``error`` and everything that it came from."""
    waiting, seen = [error], set()
    while waiting:
        link = waiting.pop()
        if id(link) not in seen:
            seen.add(id(link))
            yield link
            waiting += [below for below in (link.__cause__, link.__context__) if below is not None]


def _reason_against(url: str, hosts: Sequence[str]) -> str:
    """Why ``url`` may not be called; "" when it may. It may hold a password, so it is never quoted."""
    parts = _split(url)
    if parts is None:
        return "it is not a URL of the form https://host/path."
    if parts.scheme not in PORTS:
        return f"{parts.scheme or 'no'}: is not called; write https://host/path."
    if "@" in parts.netloc:
        return "it carries a user name or password. A key is named by the connection and kept in the environment."
    name = _canonical(parts.hostname or "")
    port = PORTS[parts.scheme] if parts.port is None else parts.port
    if not name:
        return "it names no host; write https://host/path."
    if _is_listed(name, port) or (
        parts.scheme == "https" and port == PORTS["https"] and _is_own(name, hosts)
    ):
        return ""
    if parts.scheme == "http" and _is_own(name, hosts):
        return f"{name} is called over https alone."
    return _foreign(name, port, hosts)


def _split(url: str) -> SplitResult | None:
    # Parsers differ about these, and a URL that is read in two ways gets past one of them.
    if re.search(r"[\x00-\x20\x7f\\]", url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _foreign(name: str, port: int, hosts: Sequence[str]) -> str:
    own = f"none of this provider's own hosts ({', '.join(hosts)})" if hosts else "not a host of a vendor"
    return f"{name}:{port} is {own}. To use it, the operator adds {name} or {name}:{port} to PROVIDER_HOSTS."


def _canonical(host: str) -> str:
    """One spelling of a host. An address in a spelling of its own (``127.1``, ``0x7f000001``) stays a name."""
    name = host.lower().removeprefix("[").removesuffix("]").removesuffix(".")
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def _is_listed(name: str, port: int) -> bool:
    return any(
        name == _canonical(host) and entry_port in ("", str(port))
        for host, entry_port in map(_parted, settings.PROVIDER_HOSTS)
    )


def _parted(entry: str) -> tuple[str, str]:
    """ "host" or "host:port" in two; an IPv6 address with a port is in brackets."""
    match = re.fullmatch(r"(\[.*\]|[^:]*):(\d+)", entry)
    return (match[1], match[2]) if match else (entry, "")


def _is_own(name: str, hosts: Sequence[str]) -> bool:
    return any(re.fullmatch(re.escape(host).replace(r"\*", "[^.]+"), name) for host in hosts)


def _resolve(name: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = str(error)
    else:
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))
    raise NotConnectedError(f"The name {name} could not be resolved ({reason}).")


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (_last_four(ip) if ip in NAT64 else None)
        if inner is not None:
            return _is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _last_four(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
