"""Whether a string that stands where a password or a key would stand can be one.

Decided here, and nowhere else:

* ``<your-api-key>``, ``${DB_PASSWORD}``, ``{{ token }}``, ``xxxx``, ``****``, ``changeme`` and ``password`` are
  placeholders: the author left the value out. They are not reported. ``admin`` or ``123456`` are bad passwords, but
  passwords.
* A value that the vendor prints in its own documentation (``AKIA…EXAMPLE``) is reported as reserved.
* Code that fetches a credential (``os.environ["TOKEN"]``, ``settings.db.password``) is not one.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

from apps.core.detectors.patterns import Pattern

# Fewer bits per character than this, over a value long enough to tell, is a word or a pattern, not chance.
RANDOM_BITS = 3.0
DISTINCT_FOR_RANDOM = 5
# One character that makes up more of a value than this fills a gap.
FILLER_SHARE = 0.6
LONG_ENOUGH_TO_COUNT = 12
# In a text as long as a private key even "your" turns up by chance.
LONGEST_PLACEHOLDER = 400

_FILLED = Pattern(
    r"your|placeholder|redacted|replace[_\-]?(?:me|with|this)|insert[_\-]?(?:your|here)|goes[_\-]?here"
    r"|change[_\-]?me|change[_\-]?it|x{5,}|\*{3,}|•{3,}|\.{4,}|…|#{5,}",
    ignore_case=True,
)
_TEMPLATE = Pattern(
    r"\$\{.*|\$\(.*|\$[A-Z_][A-Z0-9_]*|\$[a-z_]+|\{\{.*|\{[\w.\- ]*\}|\{%.*|<.*>?|&lt;.*|\[[^\]]*\]"
    r"|%\(\w+\)s.*|%[sdv]|%\w+%|#\{.*|@\w+@|:[a-z_]+|\?+|!secret .*|!vault.*|env\..*|vault:.*|ref\+.*"
    r"|arn:aws.*|op://.*|secretref.*"
)
_EMPTY_WORD_LIST = """
password passwd passwort passphrase pass pwd pw secret token key apikey api_key api-key string str text
none null nil undefined true false empty blank tbd todo n/a na test-password testpassword mypassword
my_password yourpassword mysecret my_secret mytoken my_token mykey my_key userpassword user_password
username user example sample dummy secretkey secret_key default unset unknown hidden masked removed
omitted encrypted hashed bcrypt foo bar foobar baz changeme required optional varchar bool boolean integer
int number object array input
"""
_EMPTY_WORDS = frozenset(_EMPTY_WORD_LIST.split())
_DOCUMENTED = Pattern(r"EXAMPLE(?:KEY)?$|^EXAMPLE|example(?:key|token|secret)?$")
_CALL = Pattern(
    r"\$?[A-Za-z_][\w.]*[(\[].*|(?:os|process|config|settings|self|this|ctx|env|request|response|data|args"
    r"|params|props|options|secrets|vars|var|local|module|output|inputs)[.\[].*"
)
_ATTRIBUTE = Pattern(r"[A-Za-z_]\w*(?:(?:\.|->|::|\?\.)[A-Za-z_][\w\-]*)+[;,)]*")
_ADDRESS = Pattern(r"[a-z][a-z0-9+.\-]*://.*|~/.*|[A-Za-z]:\\.*")
_PATH = Pattern(
    r"\.{0,2}/[\w.\-@]+(?:/[\w.\-@]*)*|[\w.\-/\\]+\.(?:pem|key|crt|cer|p12|pfx|jks|json|ya?ml|toml|ini|txt"
    r"|env|conf|cfg|xml|js|ts|py|go|rb|java|cs|php|html?|md|gpg|asc|pub|zip|tar|gz|png|jpe?g|svg)"
)
_MAILBOX = Pattern(r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)*\.[a-z]{2,6}")
_QUANTITY = Pattern(
    r"(?:\d+[\-+]?|\d+-\d+[\-]?)(?:chars?|characters?|digits?|letters?|days?|hours?|hrs?|min(?:ute)?s?"
    r"|sec(?:ond)?s?|months?|years?|weeks?|symbols?|words?|bits?|bytes?|th|st|nd|rd|%|x|[kmg]b|times"
    r"|attempts?|min|max|am|pm)\W*|v?\d+(?:\.\d+)+(?:[\-+.]\w+)?|\d{1,4}[./\-]\d{1,2}[./\-]\d{1,4}"
    r"|\d{1,2}:\d{2}(?::\d{2})?(?:am|pm)?|[$€£¥]\d.*|\d[\d.,]*[$€£%]",
    ignore_case=True,
)
_TERM = Pattern(
    r"sha-?\d+|md5|oauth-?\d?(?:\.\d)?|saml-?\d?(?:\.\d)?|[23]fa|mfa|utf-?8|base-?\d+|bcrypt\d*|argon2(?:id|i"
    r"|d)?|pbkdf2|aes-?\d*(?:-?gcm|-?cbc)?|rsa-?\d*|ed25519|x25519|ecdsa.*|tls.?\d?.*|http/?\d.*|ipv[46]"
    r"|wpa\d|rfc-?\d+|iso-?\d+|win(?:32|64|\d+)|office ?365|o365|web3|h2|k8s|p12|pkcs-?\d+|x\.?509|jwt.?hs256"
    r"|[hre]s(?:256|384|512)|level\d|type\d|option\d|step-?\d",
    ignore_case=True,
)
_ALPHABET = Pattern(r"abcdefghijklmnopqrst|zyxwvutsrqponm", ignore_case=True)
_HEX_ONLY = Pattern(r"(?:0x)?[0-9a-fA-F]+")
_UUID = Pattern(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_WORD_PART = Pattern(
    r"(?:[A-Z]?[a-z]{0,15}|[A-Z]{0,12}|(?:[A-Z]?[a-z]{2,12}){1,4})\d{0,4}|v?\d{1,8}|[a-z]\d[a-z]"
)
_SEPARATORS = str.maketrans(dict.fromkeys("-_./:+,|@#", " "))

# Signs that stand inside ordinary words and numbers.
_QUIET_SIGNS = frozenset("-_.'’/,:;()")


def entropy(value: str) -> float:
    """Shannon entropy in bits per character (C. E. Shannon, A Mathematical Theory of Communication, 1948)."""
    total = len(value)
    return (
        -sum(count / total * math.log2(count / total) for count in Counter(value).values()) if total else 0.0
    )


def is_filled_in(value: str) -> bool:
    """False for a token whose body is a placeholder: crosses, "your", hardly more than one character."""
    if len(value) >= LONG_ENOUGH_TO_COUNT:
        counts = Counter(value).most_common(1)
        if len(set(value)) < DISTINCT_FOR_RANDOM or counts[0][1] > FILLER_SHARE * len(value):
            return False
    return len(value) > LONGEST_PLACEHOLDER or not _FILLED.occurs_in(value.encode())


def is_documented(value: str) -> bool:
    """Whether a vendor marks the value as an example, as in ``AKIAIOSFODNN7EXAMPLE``."""
    return _DOCUMENTED.occurs_in(value.encode())


def is_placeholder(value: str) -> bool:
    """Whether the author left the value out: a template, a mask, or the name of the field instead of a value."""
    if not is_filled_in(value) or value.lower().strip("\"'.,;:!()[]{}") in _EMPTY_WORDS:
        return True
    if len(set(value)) == 1 and not value.isdigit():
        return True
    return _TEMPLATE.fits(value.encode())


def is_wordy(value: str) -> bool:
    """Words and small numbers joined by signs, as in ``prod-db-2024`` or ``ultraPictureBox1``: a name, not chance."""
    return all(_WORD_PART.fits(part.encode()) for part in value.translate(_SEPARATORS).split())


def is_hexadecimal(value: str) -> bool:
    return _HEX_ONLY.fits(value.encode())


def is_uuid(value: str) -> bool:
    return _UUID.fits(value.encode())


def is_elsewhere(value: str) -> bool:
    """Whether the value says where a credential is (code, a file, an address) instead of being one."""
    data = value.encode()
    if _CALL.fits(data) or _ADDRESS.fits(data) or _MAILBOX.fits(data):
        return True
    # Base64 can start with a slash and tokens have dots in them; paths and names of variables are made of words.
    return (_PATH.fits(data) or _ATTRIBUTE.fits(data)) and is_wordy(value)


def looks_random(value: str, *, shortest: int = 12, bits: float = RANDOM_BITS) -> bool:
    """Whether a key generator could have made the value: letters and digits mixed, no words, enough entropy."""
    body = value.rstrip("=")
    if len(body) < shortest or is_placeholder(value) or _ALPHABET.occurs_in(body.encode()):
        return False
    if not (_is_mixed(body) and entropy(body) >= bits):
        return False
    return not is_wordy(body)


def _is_mixed(value: str) -> bool:
    digits = sum(character.isdigit() for character in value)
    letters = sum(character.isalpha() for character in value)
    if digits and letters:
        return True
    return letters >= 20 and sum(a.islower() and b.isupper() for a, b in pairwise(value)) >= 4


def is_strong_password(value: str) -> bool:
    """Letters with digits or with a sign that words do not have: nothing that prose puts there by chance."""
    characters = set(value)
    letters = any(map(str.isalpha, characters))
    digits = any(map(str.isdigit, characters))
    # The mark that ends a question or a cry is the sentence's.
    signs = any(not each.isalnum() for each in set(value.rstrip("!?")) - _QUIET_SIGNS)
    if not ((letters and digits) or (signs and (letters or digits))):
        return False
    data = value.encode()
    return not (_QUANTITY.fits(data) or _TERM.fits(data) or is_elsewhere(value) or is_placeholder(value))
