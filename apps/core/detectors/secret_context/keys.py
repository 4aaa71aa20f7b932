"""API keys and tokens by what stands near them: ``api_key = …``, "use the token …", "… is the client secret"."""

from __future__ import annotations

from collections.abc import Iterator

from apps.core.detectors import secret_values as values
from apps.core.detectors.patterns import EncodedText, Pattern, Span
from apps.core.detectors.secret_context.rule import (
    AFTER_NAME,
    OPERATOR,
    PURPOSE,
    VALUE,
    ContextRule,
    introduction,
    read_value,
)
from apps.core.detectors.synthetic import BASE32, alnum, characters, uuid

_NAME = (
    r"(?:secrets?|tokens?|credentials?|creds|auth|authorization|key|psk|schlüssel|clé api|clave api"
    r"|chave api|bearer|jwt|signature|(?:backup|recovery|scratch|emergency) codes?)"
)
_ASSIGNED = Pattern(
    rf"[\w.\-]{{0,40}}{_NAME}[\w.\-]{{0,30}}{PURPOSE}{AFTER_NAME}(?:{OPERATOR}|,){VALUE}",
    ignore_case=True,
)
# Names that promise a credential. Any other "key" can be a key of a table, a map or a piano.
_CREDENTIAL_NAME = Pattern(
    r"secret|token|credential|creds|auth|bearer|jwt|psk|schlüssel|clé|clave|chave|apikey|codes?\b|(?:api"
    r"|access|private|service|account|encrypt\w*|decrypt\w*|signing|master|licen[cs]e|admin|app|application"
    r"|shared|deploy\w*|webhook|session|client|security|ssh|subscription|storage|integration|bot|root"
    r"|consumer|prod\w*|live|server|hmac|aes|ingest\w*|write|read|user|team|project|developer|partner"
    r"|merchant|functions?|host|x|wpa\d?|wi-?fi|wireless|network|pre-?shared)[ _.\-]?key"
    # A setting that is called a key: ``PARTNER_KEY=``, ``partnerKey:``.
    r"|(?:[0-9a-z]_key|(?-i:[0-9a-z]Key))[\"'\]]{0,2}[ \t]{0,3}[:=]",
    ignore_case=True,
)
# Names with the same words in them that hold no credential.
_OTHER_NAME = Pattern(
    r"secretsmanager"
    r"|pub(?:lic|lishable)?[ _.\-]?(?:key|token)|pubkey|(?:primary|foreign|partition|sort|cache|bucket|object"
    r"|hot|natural|schema|sequence|idx|index|composite|candidate|surrogate|map|dict|lookup|row|hash|group"
    r"|translation|message|registry|answer|short|package|feature|json|column|issue|jira|music|piano|house|car"
    r"|door|room|site|order|event|item|locale|metric|asset|component|node|document|entity|gpg|pgp"
    r"|host)[ _.\-]?keys?\b|key[ _.\-]?(?:id\b|name|size|length|type|vault|pair|file|path|word|board|code"
    r"|frame|stone|note|hole|chain|ring|press|down|up\b|left|right|alias|usage|arn|mesh|selector|sign"
    r"|algorithm|format|space|point|figure|result|fact|feature|metric|person|takeaway|version|hash|store"
    r"|tab\b)|monkey|turkey|hockey|jockey|donkey|whiskey|keyed|keying|idempoten|dedup|correlation"
    r"|token[ _.\-]?(?:type|count|limit|uri|url|endpoint|name|budget|usage|id\b|length|size|ring|file|expir"
    r"|ttl|cost|price|audience|index|class|s[ _.\-]?(?:used|per|left|remaining|total|count))|(?:\b|_)(?:max"
    r"|num|total|prompt|completion|input|output|n|eos|bos|pad|unk|mask|stop)[ _.\-]?tokens?|(?:next|prev|page"
    r"|pagination|continuation|sync|cursor|csrf|xsrf|trace|request|public|resume|upload"
    r"|cancel\w*)[ _.\-]{0,2}(?:\w+[ _.\-])?token|tokeni[sz]|secret[ _.\-]?(?:name|id\b|arn|version|path|ref"
    r"|length|size|santa|garden|service|mount|key[ _.\-]?(?:name|ref|id))|usersecretsid"
    r"|credentials?[ _.\-]?(?:id|type|provider|helper|file|path|url|name)|author\b|authors|authori[tz](?:y|ed"
    r"|ies)|authored|authenticat(?:ed|ion[ _.\-](?:results|method|type))|auth[ _.\-]?(?:type|method|url|uri"
    r"|endpoint|mode|server|source|provider|level|scheme|domain|host|port)|checksum|digest|\bsha-?\d+|\bmd5"
    r"|etag|fingerprint|thumbprint|commit|revision|access[ _.\-]?key[ _.\-]?id|hash\b|accessor"
    r"|signature[ _.\-]?(?:algorithm|version|method)",
    ignore_case=True,
)
# The name and, with nothing but a space between, the value. There even what has a checksum's shape is a key.
_ADJACENT = Pattern(
    r"(?:\b[\w.\-]{1,40} )?\b[\w.\-]{0,40}(?:keys?|tokens?"
    r"|secret)(?: [\-–—])?[ \t]{1,2}[\"'`(]?([0-9A-Za-z_\-+/=.~]{16,200})",
    ignore_case=True,
)
_NEARBY = Pattern(
    r"\b(?:api[ _\-]?keys?|secrets?(?:[ _\-]keys?)?|access[ _\-]?(?:keys?|tokens?)|auth(?:entication"
    r"|orization)?[ _\-]?(?:key|token|code)|bearer|tokens?|credentials?|creds|private key|passphrase"
    r"|passwords?|passwd)\b[^\n]{0,40}?[\s\"'`(:=,]([0-9A-Za-z_\-+/=.~]{20,200})",
    ignore_case=True,
)
_ABOUT_IDENTIFIERS = Pattern(
    r"hash|sha-?\d|md5|checksum|digest|commit|revision|etag|fingerprint|integrity|\bimage\b|public|uuid"
    r"|request|trace|version",
    ignore_case=True,
)
_ONE_TIME_SEED = Pattern(
    r"\b(?i:2fa|mfa|t?otp|authenticator|two[ \-]factor)\b[^\n]{0,20}?(?i:secret|key|seed"
    r"|code)s?[^\n]{0,12}?\b([A-Z2-7]{16,64})\b"
)
_VALUE_FIRST = Pattern(
    r"(?:^|[\s\"'`(])([^\s\"'`()<>]{6,100})[\"'`)]?,? (?:is|was|=|as|should be|(?:should )?works? as) ?(?:the"
    r"|my|our|your|his|her|their|a|an)?(?: [\w'’\-]+){0,3}?"
    r" ?(?:passwords?|passcode|passphrase|api key|token|secret|secret key|access key)\b",
    ignore_case=True,
)


# Shorter hexadecimal numbers before "is the token" are error codes and the like.
HEX_KEY = 24


def _find_assigned(text: EncodedText) -> Iterator[Span]:
    for match, start, end in _ASSIGNED.readings(text.data):
        intro = introduction(text, match, start, look_back=16)
        if _OTHER_NAME.occurs_in(intro):
            continue
        value, end = read_value(text, start, end)
        if _is_key(value, promised=_CREDENTIAL_NAME.occurs_in(intro)):
            yield start, end


def _is_key(value: str, *, promised: bool) -> bool:
    """``promised``: the name is one of a credential; otherwise the value has to convince alone."""
    if " " in value or values.is_elsewhere(value):
        return False
    if promised:
        return values.looks_random(value, shortest=10, bits=2.8)
    if values.is_hexadecimal(value) or values.is_uuid(value):
        return False
    return values.looks_random(value, shortest=20, bits=3.6)


def _find_adjacent(text: EncodedText) -> Iterator[Span]:
    for match, start, end in _ADJACENT.readings(text.data):
        intro = introduction(text, match, start, look_back=0)
        if _OTHER_NAME.occurs_in(intro) or _ABOUT_IDENTIFIERS.occurs_in(intro):
            continue
        value, end = read_value(text, start, end)
        shortest = 16 if _CREDENTIAL_NAME.occurs_in(intro) else 20
        if values.looks_random(value, shortest=shortest) and not values.is_elsewhere(value):
            yield start, end


def _find_nearby(text: EncodedText) -> Iterator[Span]:
    yield from _find_adjacent(text)
    for match, start, end in _NEARBY.readings(text.data):
        intro = introduction(text, match, start, look_back=16)
        if _ABOUT_IDENTIFIERS.occurs_in(intro) or _OTHER_NAME.occurs_in(intro):
            continue
        value, end = read_value(text, start, end)
        if (
            _has_all_kinds(value)
            and not values.is_elsewhere(value)
            and values.looks_random(value, shortest=20, bits=3.5)
        ):
            yield start, end


def _has_all_kinds(value: str) -> bool:
    """Capitals, small letters and digits: what hashes and identifiers, which are in one case, do not have."""
    return any(map(str.isupper, value)) and any(map(str.islower, value)) and any(map(str.isdigit, value))


def _find_value_first(text: EncodedText) -> Iterator[Span]:
    for match, start, end in _VALUE_FIRST.readings(text.data):
        if b" of " in text.data[end : match.span()[1]]:
            continue
        value, end = read_value(text, start, end)
        if values.is_hexadecimal(value) and len(value) < HEX_KEY:
            continue
        if any(map(str.isdigit, value)) and values.is_strong_password(value):
            yield start, end


def _find_one_time_seeds(text: EncodedText) -> Iterator[Span]:
    for start, end in _ONE_TIME_SEED.values(text.data):
        if values.is_filled_in(text.value(start, end)):
            yield start, end


KEY_RULES: tuple[ContextRule, ...] = (
    ContextRule(
        "one-time-password-seed",
        "Seed of one-time passwords",
        ("2fa", "mfa", "otp", "authenticator", "factor"),
        _find_one_time_seeds,
        "Your TOTP secret is " + characters(32, BASE32),
        "Your TOTP secret has 32 letters",
    ),
    ContextRule(
        "assigned-key",
        "Key or token",
        (
            "secret",
            "token",
            "credential",
            "creds",
            "auth",
            "key",
            "schlüssel",
            "clé api",
            "clave api",
            "chave api",
            "bearer",
            "jwt",
            "signature",
            "psk",
            "codes",
            " code",
        ),
        _find_assigned,
        'internal_api_key = "' + alnum(28) + '"',
        'public_key = "' + alnum(43) + '"',
    ),
    ContextRule(
        "key-in-a-sentence",
        "Key or token",
        ("key", "secret", "token", "bearer", "credential", "creds", "pass"),
        _find_nearby,
        "Here is the token you asked for " + alnum(30),
        "The token ring paper has the number " + uuid(),
    ),
    ContextRule(
        "value-before-its-name",
        "Password or key",
        ("password", "passcode", "passphrase", "api key", "token", "secret", "access key"),
        _find_value_first,
        "Gr33n" + "Lamp!77 is my new password",
        "Sunshine is my new password and 401 is the token error",
    ),
)
