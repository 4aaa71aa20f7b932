"""Where a connection may point (threat 39): what is said when it is saved."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from apps.core.errors import DomainError
from apps.providers.bedrock import Bedrock
from apps.providers.network import check_base_url

KEY = "canary-key-4711"
VENDOR = ("api.vendor.test", "*.cloud.vendor.test")


@pytest.fixture(autouse=True)
def _nothing_listed(settings: Settings) -> None:
    settings.PROVIDER_HOSTS = ()


@pytest.mark.parametrize(
    "url",
    [
        "https://api.vendor.test/v1",
        "https://API.vendor.test.:443",
        "https://eu.cloud.vendor.test",
        "https://10.0.0.8:8000",
    ],
)
def test_a_base_url_of_the_vendor_or_of_the_operators_list_is_taken(url: str, settings: Settings) -> None:
    settings.PROVIDER_HOSTS = ("10.0.0.8:8000",)
    check_base_url(url, hosts=VENDOR)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://api.vendor.test/v1", "over https alone"),
        ("https://api.vendor.test:8443/v1", "none of this provider's own hosts"),
        ("https://api.vendor.test.evil.test/v1", "PROVIDER_HOSTS"),
        ("https://evil.test/api.vendor.test", "evil.test:443"),
        ("https://a.b.cloud.vendor.test", "none of this provider's own hosts"),
        ("https://cloud.vendor.test", "none of this provider's own hosts"),
        ("https://someone:canary-key-4711@api.vendor.test", "user name or password"),
        ("https://api.vendor.test@evil.test", "user name or password"),
        ("https://evil.test\\@api.vendor.test", "not a URL"),
        ("https://api.vendor.test\t.evil.test", "not a URL"),
        ("https://api.vendor.test:port", "not a URL"),
        ("https://[::1", "not a URL"),
        ("https:///v1", "names no host"),
        ("file:///etc/passwd", "file: is not called"),
        ("gopher://api.vendor.test", "gopher: is not called"),
        ("api.vendor.test", "no: is not called"),
        ("https://169.254.169.254/latest", "169.254.169.254:443"),
        ("https://127.0.0.1:9000", "127.0.0.1:9000"),
    ],
)
def test_any_other_base_url_is_refused_with_reason_and_remedy(url: str, reason: str) -> None:
    with pytest.raises(DomainError, match="The base URL cannot be used") as caught:
        check_base_url(url, hosts=VENDOR)
    assert reason in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("gateway.test", "http://gateway.test:8080/v1"),
        ("gateway.test:8080", "http://gateway.test:8080/v1"),
        ("[::1]:8080", "http://[0:0::1]:8080/v1"),
        ("::1", "http://[::1]/v1"),
    ],
)
def test_the_operators_list_is_of_hosts_or_of_hosts_with_ports(
    entry: str, url: str, settings: Settings
) -> None:
    settings.PROVIDER_HOSTS = (entry,)
    check_base_url(url, hosts=())


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("gateway.test:8080", "http://gateway.test:8081/v1"),
        ("gateway.test", "http://other.gateway.test/v1"),
        # Not the address as it was listed, but spellings of it that a resolver would take for the same.
        ("127.0.0.1", "http://2130706433/v1"),
        ("127.0.0.1", "http://0177.0.0.1/v1"),
        ("127.0.0.1", "http://127.1/v1"),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]/v1"),
    ],
)
def test_what_is_like_a_listed_host_is_not_listed(entry: str, url: str, settings: Settings) -> None:
    settings.PROVIDER_HOSTS = (entry,)
    with pytest.raises(DomainError, match="PROVIDER_HOSTS"):
        check_base_url(url, hosts=())


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("bedrock.eu-central-1.amazonaws.com", True),
        ("bedrock-runtime.us-gov-west-1.amazonaws.com", True),
        ("s3.amazonaws.com", True),
        ("our-bucket.s3.eu-central-1.amazonaws.com", True),
        # Anybody may rent these.
        ("a1b2c3.execute-api.eu-central-1.amazonaws.com", False),
        ("name-1234.eu-central-1.elb.amazonaws.com", False),
        ("ec2-8-8-8-8.compute-1.amazonaws.com", False),
    ],
)
def test_of_amazons_hosts_only_those_of_the_service_are_the_vendors_own(host: str, *, is_own: bool) -> None:
    if is_own:
        check_base_url(f"https://{host}", hosts=Bedrock.hosts)
    else:
        with pytest.raises(DomainError):
            check_base_url(f"https://{host}", hosts=Bedrock.hosts)
