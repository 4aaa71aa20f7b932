"""Passwords and PINs by what stands before them: ``"password": "…"``, "the password for the wiki is …"."""

from __future__ import annotations

from collections.abc import Iterator

from apps.core.detectors import secret_values as values
from apps.core.detectors.patterns import EncodedText, Pattern, Span
from apps.core.detectors.secret_context.prose import is_ordinary
from apps.core.detectors.secret_context.rule import (
    AFTER_NAME,
    OPERATOR,
    PURPOSE,
    VALUE,
    ContextRule,
    ends_clause,
    introduction,
    is_quoted,
    read_value,
)
from apps.core.detectors.synthetic import digits

# The field's name in the languages of the larger customer bases.
_NAME = (
    r"(?:pass(?:wort|phrase|code)|pas{1,2}w(?:or|ro|o|r)?ds?|pswd|pwd|kennwort|mot de passe|contraseña"
    r"|contrasena|senha|wachtwoord|\bclave|(?:wpa\d?|wi-?fi|wireless|network|pre-?shared|hotspot)[ _\-]key"
    r"|\bpsk|\bssid\b[^\n]{1,40}?\bkey|palavra-passe|hasło|haslo|heslo|lösenord|adgangskode|salasana|jelszó|parolă"
    r"|şifre|пароль|密码|密碼|パスワード|비밀번호|\bmdp)"
)
_ASSIGNED = Pattern(
    rf"[\w.\-]{{0,30}}{_NAME}[\w.\-]{{0,20}}{PURPOSE}{AFTER_NAME}(?:{OPERATOR}|[\"'],){VALUE}",
    ignore_case=True,
)
_FOLLOWING = Pattern(
    rf"(?:\b(?:password|passwd|passcode|passphrase|pwd|pw|passwort|kennwort|mdp|wachtwoord|senha|clave|contraseña"
    rf"|heslo|hasło)|пароль|密码|パスワード|비밀번호)(?:,| [\-–—])? {VALUE}",
    ignore_case=True,
)
_ABBREVIATED = Pattern(
    rf"(?:\b|[\w.\-]{{1,30}}[_.\-])(?:pass|pw|psw)\b{PURPOSE}{AFTER_NAME}(?:[:=]|is:?|was){VALUE}",
    ignore_case=True,
)
_AFTER_USER = Pattern(
    rf"\b(?:user(?:name)?|login|id|account)\b[^\n]{{1,60}}?\b(?:pass|pw|pwd) {VALUE}", ignore_case=True
)
# "the password you gave me (…)": only a value that prose would not put in brackets.
_ENCLOSED = Pattern(
    r"\bpass(?:word|code|phrase)\b[^\n.]{0,40}?[(\"'`“]([^\s\"'`()“”]{6,60})[)\"'`”]", ignore_case=True
)
_OTHER_PASSES = Pattern(
    r"(?:boarding|bus|season|day|ski|train|travel|rail|gate|hall|mountain|by|test|tests)\s$", ignore_case=True
)
# Settings about passwords, such as ``password_min_length = 12``.
_ABOUT_PASSWORDS = Pattern(
    r"(?:passw\w*|pwd|passphrase)[ _.\-]?(?:field|label|hint|polic|placeholder|length|reset|url|link|path"
    r"|file|type|valid|regex|pattern|error|message|form|input|strength|expir|min|max|column|prompt|encod|hash"
    r"|manage|page|rule|age|histor|attempt|retr|count|chang|update|require|enable|name|id\b|salt|less|protect"
    r"|last|recover|forgot|ref)|(?:hash|crypt|forgot|reset|no|without)[ _.\-]?pass",
    ignore_case=True,
)
_NEW_VALUE = Pattern(r"\bto:?\s{0,3}[\"'`]?$", ignore_case=True)
_COUNTED = Pattern(
    r"\W{0,3}(?:digits?|numbers?|characters?|chars?|letters?|stellig|times|days|attempts|wrong|per\b|or more"
    r"|\+)",
    ignore_case=True,
)
_PIN = Pattern(
    r"\b(?:(?:pin|passcode)(?: (?:code|number|no\.?))?|cvv2?|cvc2?|cvn|card (?:verification|security) (?:code"
    r"|number|value)|security code|geheimzahl)(?: (?:for|on|of|to) (?:[\w'’\-]{1,20} ){1,5}?)?\s{0,2}(?:is"
    r"|was|ist|to|=|:):?\s{0,3}[\"']?(\d{3,8})(?:[^\w]|$)|\b(?:cvv2?|cvc2?) (\d{3,4})(?:[^\w]|$)"
    r"|\b(?:door|gate|alarm|entry|safe|lock|lock ?box|garage|building|key ?safe)[ \-](?:code|combination|pin)"
    r" (?:is|was|:) ?:? ?[\"']?(\d[\d\-]{2,10}\d)(?:[^\w]|$)|\b(?:my|his|her|their|our|card|bank|atm|debit|phone"
    r"|door|sim|with|use|uses|using|enter)? ?pin (\d{4})(?:[^\w.:/\-]|[.,;]?$)",
    ignore_case=True,
)
_TELLS_WORDS = Pattern(r"phrase|\bis\b|lautet|\best\b|\bes\b", ignore_case=True)
# "PIN code 560001" is a postal code in India.
_POSTAL_PIN = Pattern(r"pin ?code.*", ignore_case=True)

SHORTEST = 4
# More of them than Base64 ends with: a row of assignments without spaces.
MOST_EQUALS = 3
# A single word this long is a passphrase written without spaces.
PASSPHRASE = 16


def _find_assigned(text: EncodedText) -> Iterator[Span]:
    for match, start, end in _ASSIGNED.readings(text.data):
        intro = introduction(text, match, start, look_back=8)
        value, end = read_value(text, start, end)
        # "password reset to: …" tells the new one; "password reset link: …" tells something else.
        if _ABOUT_PASSWORDS.occurs_in(intro) and not (
            _NEW_VALUE.occurs_in(intro) and values.is_strong_password(value)
        ):
            continue
        if _is_password(text, value, start, end, intro):
            yield start, end


def _is_password(text: EncodedText, value: str, start: int, end: int, intro: bytes) -> bool:
    if len(value) < SHORTEST or value.count("=") > MOST_EQUALS or values.is_placeholder(value):
        return False
    if value.startswith("@") and intro.endswith(b">"):
        # ``<password>@host`` in the pattern of an address, not ``<password>value</password>``.
        return False
    quoted = is_quoted(text, start)
    if " " in value:
        # In quotes after "is" several words are a passphrase; after a colon they are the label of a form.
        return quoted and len(value.split()) > 2 and not value[0].isupper() and _TELLS_WORDS.occurs_in(intro)
    if value.isdigit():
        return not _COUNTED.occurs_in(text.after(end, 14))
    if values.is_strong_password(value):
        return True
    word = value.rstrip("!?")
    if values.is_elsewhere(value) or not all(part.isalpha() for part in word.split("-")):
        return False
    return _is_password_of_letters(text, word, end, quoted=quoted, spaced_assignment=intro.endswith(b"= "))


def _is_password_of_letters(
    text: EncodedText, value: str, end: int, *, quoted: bool, spaced_assignment: bool
) -> bool:
    """Letters alone: a password only where no remark about passwords, type name or variable can stand."""
    if is_ordinary(value):
        return False
    if len(value) >= PASSPHRASE or value.count("-") > 1:
        return True
    if "-" in value or len(value) < 6 or (spaced_assignment and not quoted):
        return False
    return ends_clause(text, end)


def _find_following(text: EncodedText) -> Iterator[Span]:
    """A password straight after the word, without "is" or a colon: only one that prose would not put there."""
    for pattern in (_FOLLOWING, _ABBREVIATED, _AFTER_USER, _ENCLOSED):
        for match, start, end in pattern.readings(text.data):
            if _OTHER_PASSES.occurs_in(text.before(match.span()[0], 12)):
                continue
            value, end = read_value(text, start, end)
            word = value.rstrip("0123456789!")
            unlikely = is_ordinary(word) or "=" in word or (pattern is _ENCLOSED and values.is_wordy(value))
            if len(value) >= SHORTEST and values.is_strong_password(value) and not unlikely:
                yield start, end


def _find_pins(text: EncodedText) -> Iterator[Span]:
    for match in _PIN.matches(text.data):
        start, end = _PIN.value_span(match)
        postal = end - start == 6 and _POSTAL_PIN.fits(text.data[match.span()[0] : start])
        if not postal and not _COUNTED.occurs_in(text.after(end, 12)):
            yield start, end


PASSWORD_RULES: tuple[ContextRule, ...] = (
    ContextRule(
        "assigned-password",
        "Password",
        (
            "psk",
            "ssid",
            "key",
            "pass",
            "pasw",
            "pswd",
            "pwd",
            "kennwort",
            "mot de passe",
            "contrase",
            "senha",
            "wachtwoord",
            "hasło",
            "haslo",
            "heslo",
            "clave",
            "palavra-passe",
            "lösenord",
            "adgangskode",
            "şifre",
            "пароль",
            "密码",
            "密碼",
            "mdp",
            "salasana",
            "jelszó",
            "parolă",
            "パスワード",
            "비밀번호",
        ),
        _find_assigned,
        "The password for the wiki is " + "tr0ub4dor" + "&3",
        "The password for the wiki is case-sensitive and expires after 90 days",
    ),
    ContextRule(
        "password-in-a-sentence",
        "Password",
        (
            "pass",
            "pw",
            "psw",
            "kennwort",
            "mdp",
            "wachtwoord",
            "senha",
            "clave",
            "contrase",
            "heslo",
            "hasło",
            "пароль",
            "密码",
            "パスワード",
            "비밀번호",
        ),
        _find_following,
        "user bob, pass: " + "S3cret" + "!pie",
        "Keep your boarding pass: B12X until gate 4",
    ),
    ContextRule(
        "pin-or-card-code",
        "PIN or card security code",
        (
            "pin",
            "passcode",
            "cvv",
            "cvc",
            "cvn",
            "security code",
            "verification",
            "geheimzahl",
            "code",
            "combination",
        ),
        _find_pins,
        "My PIN is " + digits(4),
        "The PIN code is 560001 in Bangalore and the PIN is 4 digits",
    ),
)
