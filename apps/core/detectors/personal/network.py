"""IP and MAC addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from apps.core.detectors.detection import Hit
from apps.core.detectors.patterns import EncodedText, Pattern

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d{2}|[1-9]?\d)"
_IPV4 = Pattern(rf"\b{_OCTET}(?:\.{_OCTET}){{3}}\b(?:/(?:[12]?\d|3[0-2])\b)?")
_IPV6 = Pattern(
    r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?:\.\d{1,3}){0,3}(?:%[0-9A-Za-z]{1,15})?(?:/\d{1,3}\b)?"
)
_MAC = Pattern(
    r"\b(?:[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5}"
    r"|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})\b|(?i:\bmac(?: address)?(?: is|:|=)? ?)([0-9A-Fa-f]{12})\b"
)
_MAC_NAMED = Pattern(r"\bmac\b", ignore_case=True)
_JOINED_BEFORE = Pattern(r"(?:[0-9A-Za-z_]|[0-9A-Za-z][.\-]|[0-9A-Fa-f]:)$")
_JOINED_AFTER = Pattern(r"^(?:[0-9A-Za-z_]|\.[0-9]|[\-+][0-9A-Za-z]|:[0-9A-Fa-f]{2}\b)")
_LONGER_NUMBER = Pattern(r"^(?:[0-9A-Za-z_]|\.[0-9]|[\-+][0-9A-Za-z])")
_VERSION_BEFORE = Pattern(
    r"(?:\b(?:v|ver|vers|versions?|release[ds]?|rev|revision|build|firmware|software|driver|patch|update[ds]?"
    r"|upgrade[ds]?|hotfix|kernel|bios|sdk|api|app|client|library|package|plugin|module|section|chapter"
    r"|clause|paragraph|figure|table|appendix|article|step|rule|requirement|item|§|chrome|firefox|safari|edge"
    r"|opera|windows|android|ios|macos|office|java|php|python|node|django|nginx|from|to|and)(?: (?:is|was"
    r"|number|no\.?|to|of))?[ :=/#]{0,2}|[A-Za-z]/)$",
    ignore_case=True,
)
_VERSION_NEARBY = Pattern(
    r"\b(?:version|release|firmware|build|upgrad|updat|install|patch|changelog|rollback|downgrad)",
    ignore_case=True,
)
_ADDRESS_CUE = Pattern(
    r"\b(?:ips?|ipv4|ipv6|address(?:es)?|hosts?|hostname|servers?|ping(?:ed)?|ssh|gateway|router|subnet|dns"
    r"|proxy|vpn|lan|firewall|log(?:ged|s)?[ \-]?in|client|remote|listen|bind|loopback|localhost|network|node"
    r"|dst|src|traffic|connect(?:ed|ion|s)?)\b|://|@",
    ignore_case=True,
)
# A port or a prefix length follows addresses only: ``10.0.0.5:22``, ``10.0.0.0/8``.
_SERVICE_AFTER = Pattern(r"^(?::\d{2,5}\b|,? port\b|/\d)")
CUE_WIDTH = 40
# Whose it is: a private address says nothing about anybody, unless the text says whose it is.
_OWNER_CUE = Pattern(
    r"\b(?:my|mine|his|her|their|our|your|user|customer|client|visitor|caller|employee|suspect|logged in|log[ \-]?in"
    r"|signed in|remote|private|ip|ips|ipv[46]|ip[ \-_]?addr(?:ess)?)\b[^\n]{0,25}$",
    ignore_case=True,
)
_DOCUMENTATION = tuple(
    map(
        ipaddress.ip_network,
        ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
    )
)
# Hardware addresses for documentation: RFC 7042, section 2.1.1.
_MAC_DOCUMENTED = ("00005e0053", "01005e9010")


def find(text: EncodedText) -> Iterator[Hit]:
    colons = text.data.count(b":")
    if colons >= 2:
        yield from _find_ipv6(text)
    if text.digits >= 4 and text.data.count(b".") >= 3:
        yield from _find_ipv4(text)
    separated = colons >= 5 or text.data.count(b"-") >= 5 or text.data.count(b".") >= 2
    if separated or _MAC_NAMED.occurs_in(text.data):
        yield from _find_mac(text)


def _find_ipv4(text: EncodedText) -> Iterator[Hit]:
    for start, end in _IPV4.values(text.data):
        before = text.before(start, CUE_WIDTH)
        if _JOINED_BEFORE.occurs_in(before) or _LONGER_NUMBER.occurs_in(text.after(end, 3)):
            continue
        host = text.value(start, end).partition("/")[0]
        if _SERVICE_AFTER.occurs_in(text.after(end, 7)) or not _is_version(host, before):
            address = ipaddress.IPv4Address(host)
            if _can_be_somebodys(address, before):
                yield Hit("ipv4-address", start, end, "IPv4 address", is_reserved_address(address))


def _is_version(host: str, before: bytes) -> bool:
    """``Chrome 120.0.0.1`` and ``firmware 4.2.0.13`` have four numbers too."""
    if _ADDRESS_CUE.occurs_in(before):
        return False
    if _VERSION_BEFORE.occurs_in(before) and _VERSION_NEARBY.occurs_in(before):
        return True
    if _VERSION_BEFORE.occurs_in(before) and not _is_bare_connective(before):
        return True
    # Four small numbers are a version or a section, but for the usual private and the unspecified addresses.
    return max(map(int, host.split("."))) < 20 and not host.startswith(("10.0.", "0.0.0."))


def _is_bare_connective(before: bytes) -> bool:
    """Words that stand before versions and addresses alike: "from 10.1.2.3 to 10.1.2.9"."""
    return before.rstrip(b" :=/#").lower().endswith((b"from", b"to", b"and", b"is", b"of"))


def _find_ipv6(text: EncodedText) -> Iterator[Hit]:
    for start, end in _IPV6.values(text.data):
        written = text.value(start, end)
        if not written.endswith("::"):
            written = written.rstrip(":.")
        before, after = text.before(start, CUE_WIDTH), text.after(start + len(written), 3)
        if _JOINED_BEFORE.occurs_in(before) or _JOINED_AFTER.occurs_in(after):
            continue
        address = _ipv6(written)
        if address is None or not _can_be_somebodys(address, before):
            continue
        if _is_unmistakable(written, address, before):
            yield Hit(
                "ipv6-address", start, start + len(written), "IPv6 address", is_reserved_address(address)
            )


def _ipv6(written: str) -> ipaddress.IPv6Address | None:
    try:
        return ipaddress.IPv6Interface(written).ip
    except ValueError:
        return None


def _is_unmistakable(written: str, address: ipaddress.IPv6Address, before: bytes) -> bool:
    """Not ``std::add``, not the ``[::2]`` of a slice: short forms need a word that says address."""
    if address.is_loopback or _ADDRESS_CUE.occurs_in(before):
        return True
    if before.endswith(b"[") and before[-2:-1].isalnum():
        return False
    groups = [group for group in written.partition("/")[0].split(":") if group]
    digits = any(character.isdigit() for character in written)
    return digits and len(groups) > 1 and (len(groups) > 2 or any(len(group) > 2 for group in groups))


def _can_be_somebodys(address: ipaddress.IPv4Address | ipaddress.IPv6Address, before: bytes) -> bool:
    """False for what stands in every configuration: loopback, masks, broadcast, and private ones of nobody.

    Documentation addresses stand for public ones, so they stay.
    """
    inner = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    address = inner or address
    if address.is_global or any(
        address in block for block in _DOCUMENTATION if block.version == address.version
    ):
        return not address.is_multicast
    if address.is_loopback or address.is_unspecified or address.is_multicast or address.is_reserved:
        return False
    return _OWNER_CUE.occurs_in(before)


def is_reserved_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether the address can belong to no person: private, loopback, documentation (RFC 5737, RFC 3849) and the like.

    An IPv6 address that carries an IPv4 address is judged by the latter.
    """
    inner = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return not (inner or address).is_global or address.is_multicast


def _find_mac(text: EncodedText) -> Iterator[Hit]:
    for start, end in _MAC.values(text.data):
        if _JOINED_BEFORE.occurs_in(text.before(start, 2)) or _JOINED_AFTER.occurs_in(text.after(end, 3)):
            continue
        compact = "".join(filter(str.isalnum, text.value(start, end))).lower()
        if len(set(compact)) > 1:
            yield Hit("mac-address", start, end, "MAC address", compact.startswith(_MAC_DOCUMENTED))
