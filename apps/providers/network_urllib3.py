"""Guarded connections for what is built on urllib3: requests and botocore. Import it by ``network`` alone."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.util.connection import create_connection

from apps.providers.network import (
    HostRefusedError,
    NotConnectedError,
    addresses_of,
    check_request_url,
    first_connection,
)
from apps.providers.sdk import sdk


class ConnectionNotOpenedError(NotConnectedError, NewConnectionError):
    """What clients know as a connection error, marked: nothing was sent."""


class ConnectionNotOpenedInTimeError(NotConnectedError, ConnectTimeoutError):
    """The same, by timeout."""


def guarded_connection(plain: type[HTTPConnection], hosts: Sequence[str]) -> type[HTTPConnection]:
    """A subclass of ``plain`` that connects to checked addresses of ``hosts``."""
    scheme = "https" if issubclass(plain, HTTPSConnection) else "http"

    class GuardedConnection(plain):  # type: ignore[valid-type, misc]
        def _new_conn(self) -> socket.socket:
            def connect(address: str) -> socket.socket:
                return create_connection(
                    (address, self.port),
                    self.timeout,
                    source_address=self.source_address,
                    socket_options=self.socket_options,
                )

            if self.proxy is not None:
                raise HostRefusedError("Nothing was sent: providers are not called through a proxy.")
            host = f"[{self.host}]" if ":" in self.host else self.host
            check_request_url(f"{scheme}://{host}:{self.port}", hosts=hosts)
            return first_connection(addresses_of(self.host, self.port, hosts=hosts), connect, (OSError,))

        def connect(self) -> None:
            failure: Exception
            try:
                return super().connect()  # type: ignore[no-any-return]
            except HostRefusedError:
                raise
            except (OSError, HTTPError, NotConnectedError) as error:
                # The name, the socket, or TLS on it; a request is written after this.
                failure = error
            self.close()
            message = f"No connection to {self.host}:{self.port}: {failure}"
            if isinstance(failure, TimeoutError | ConnectTimeoutError):
                raise ConnectionNotOpenedInTimeError(message)
            raise ConnectionNotOpenedError(self, message)

    return GuardedConnection


def guarded_pools(
    plain: type[HTTPConnectionPool], tls: type[HTTPSConnectionPool], hosts: Sequence[str]
) -> dict[str, type[HTTPConnectionPool]]:
    """Pools of guarded connections by scheme, as a PoolManager takes them in ``pool_classes_by_scheme``."""

    def guarded(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
        connection: Any = pool.ConnectionCls
        return type(
            f"Guarded{pool.__name__}", (pool,), {"ConnectionCls": guarded_connection(connection, hosts)}
        )

    return {"http": guarded(plain), "https": guarded(tls)}


class GuardedAdapter(HTTPAdapter):
    """The adapter of requests, over guarded pools; it never tries again."""

    def __init__(self, hosts: Sequence[str]) -> None:
        super().__init__(max_retries=0)
        self.hosts = hosts
        self.poolmanager.pool_classes_by_scheme = guarded_pools(
            HTTPConnectionPool, HTTPSConnectionPool, hosts
        )

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        check_request_url(str(request.url), hosts=self.hosts)
        return super().send(request, *args, **options)

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        raise HostRefusedError("Nothing was sent: providers are not called through a proxy.")


def guard_session(session: requests.Session, hosts: Sequence[str]) -> None:
    """Makes ``session`` go where it may alone. A redirect is an answer like any other."""
    session.trust_env = False
    session.adapters.clear()
    # Every scheme: what is neither http nor https is refused in our words.
    session.mount("", GuardedAdapter(hosts))
    session.get_redirect_target = _no_redirect  # type: ignore[assignment]


def _no_redirect(response: requests.Response) -> None:
    del response


def guard_botocore(client: Any, hosts: Sequence[str]) -> None:
    """Makes a client of boto3 go where it may alone.

    botocore has no public place for this, so its own attributes are replaced. What a later version renames is an
    error here, and never a client without its guard.
    """
    session = client._endpoint.http_session
    http, aws = sdk("botocore.httpsession"), sdk("botocore.awsrequest")
    if type(session) is not http.URLLib3Session or "_proxy_config" not in vars(session):
        raise TypeError(f"botocore's session is a {type(session).__name__} that this guard does not know.")
    session._pool_classes_by_scheme.update(
        guarded_pools(aws.AWSHTTPConnectionPool, aws.AWSHTTPSConnectionPool, hosts)
    )
    # The manager shares that dictionary.
    if session._manager.pool_classes_by_scheme is not session._pool_classes_by_scheme:
        raise TypeError(
            "botocore's connection manager takes its pools from a place that this guard does not know."
        )
    session._proxy_config = http.ProxyConfiguration()
    session._manager.clear()
