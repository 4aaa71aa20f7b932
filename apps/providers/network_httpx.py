"""The guarded client for SDKs that are built on httpx2. Import it by ``network.http_client`` alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import httpcore2
import httpx2

from apps.providers.network import NotConnectedError, addresses_of, check_request_url, first_connection

FAILURES = (httpcore2.ConnectError, httpcore2.ConnectTimeout)


class HttpNotConnectedError(NotConnectedError, httpx2.ConnectError):
    """What SDKs know as a connection error, marked: nothing was sent."""


class HttpNotConnectedInTimeError(NotConnectedError, httpx2.ConnectTimeout):
    """The same, by timeout."""


class GuardedBackend(httpcore2.SyncBackend):
    """Opens sockets to checked addresses. TLS still asks for the certificate of the *name*."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self.hosts = hosts

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        def connect(address: str) -> httpcore2.NetworkStream:
            return plain(address, port, timeout, local_address, socket_options)

        plain = super().connect_tcp
        return first_connection(addresses_of(host, port, hosts=self.hosts), connect, FAILURES)

    def connect_unix_socket(self, *args: Any, **options: Any) -> httpcore2.NetworkStream:
        raise NotConnectedError("Providers are not called through a Unix socket.")


class GuardedTransport(httpx2.HTTPTransport):
    """httpx2's transport, over a pool that connects by GuardedBackend."""

    def __init__(self, hosts: Sequence[str]) -> None:
        # The environment is asked for SSL_CERT_FILE alone: a gateway of one's own may have a CA of one's own.
        context = httpx2.create_ssl_context(trust_env=True)
        super().__init__(verify=context)
        self.hosts = hosts
        self._pool = httpcore2.ConnectionPool(ssl_context=context, network_backend=GuardedBackend(hosts))

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        check_request_url(str(request.url), hosts=self.hosts)
        failure: httpx2.TransportError
        try:
            return super().handle_request(request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            # Both come before the first byte of a request: from the socket, or from TLS on it.
            failure = error
        kind = (
            HttpNotConnectedInTimeError
            if isinstance(failure, httpx2.ConnectTimeout)
            else HttpNotConnectedError
        )
        place = f"{request.url.host}:{request.url.port or request.url.scheme}"
        raise kind(f"No connection to {place}: {failure or 'timed out'}", request=request)


class GuardedClient(httpx2.Client):
    """A client that goes where it may and follows nobody, whatever an SDK asks for."""

    def __init__(self, hosts: Sequence[str], *, timeout: float) -> None:
        super().__init__(
            transport=GuardedTransport(hosts), timeout=timeout, trust_env=False, follow_redirects=False
        )

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        return super().send(request, **options | {"follow_redirects": False})
