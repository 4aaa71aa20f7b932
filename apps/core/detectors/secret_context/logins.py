"""Log-ins as programs take them: headers, cookies, command lines, log-in files, "user / password"."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from apps.core.detectors import secret_values as values
from apps.core.detectors.patterns import EncodedText, Pattern, Span
from apps.core.detectors.secret_context.prose import is_ordinary
from apps.core.detectors.secret_context.rule import ContextRule, read_value
from apps.core.detectors.synthetic import alnum, lower

_HEADER = Pattern(
    r"authorization\\?[\"']?\s{0,2}[:=,]\s{0,2}\\?[\"']?(?:bearer|token|apikey|api-key|ssws|bot|key|splunk"
    r"|geniekey)\s{1,2}(?:token=)?\\?[\"']?([0-9A-Za-z._~+/=:\-]{8,})|\b(?:bearer|ssws"
    r"|sso-key)\s{1,2}([0-9A-Za-z._~+/=:\-]{20,})",
    ignore_case=True,
)
_BASIC = Pattern(r"\bbasic\s{1,2}([0-9A-Za-z+/]{8,}={0,2})", ignore_case=True)
_COMMANDS = (
    # Options of any program: --password …
    r"(?:^|[\s\"'\[,])--?(?:password|passwd|passphrase|pass|pwd|token|api[-_]?key|secret(?:[-_]key)?"
    r"|auth[-_]?token|access[-_]?token|client[-_]secret|requirepass|storepass|keypass|db[-_]password"
    r"|registry[-_]password)(?:[\s=]|[\"'],\s?)\s{0,2}[\"']?([^\s\"']{4,200})",
    r"\bcurl\b(?s:.{0,400}?)\s(?:-u|--user)[= ]{0,3}[\"']?[^\s:\"']{0,80}[\"']?:[\"']?([^\s\"']{3,200})",
    r"\bsshpass\s{1,2}-p\s{0,2}[\"']?([^\s\"']{3,200})",
    r"\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\n]{0,200}?\s-p[\"']?([^\s\"'\-][^\s\"']{3,200})",
    r"\b(?:docker|podman|helm|oc|az|nerdctl|skopeo)\b[^\n]{0,80}?\blogin\b[^\n]{0,200}?\s-p\s{1,2}[\"']?("
    r"[^\s\"'\-][^\s\"']{3,200})",
    r"\b(?:mongo|mongosh|sqlcmd)\b[^\n]{0,200}?\s-[pP]\s{1,2}[\"']?([^\s\"'\-][^\s\"']{3,200})",
    r"\bredis-cli\b[^\n]{0,200}?\s-a\s{1,2}[\"']?([^\s\"'\-][^\s\"']{3,200})",
    r"\bldapsearch\b[^\n]{0,200}?\s-w\s{1,2}[\"']?([^\s\"'\-][^\s\"']{3,200})",
    r"\bsmbclient\b[^\n]{0,200}?\s-U\s{1,2}[\"']?[\w.\\\-]{1,60}%([^\s\"']{3,200})",
    r"\bnet use\b[^\n]{0,200}?/user:\S{1,60}\s{1,2}([^\s\"'/][^\s\"']{3,200})",
    r"\becho\s{1,2}(?:-n )?[\"']?([^\s\"'|$]{4,100})[\"']?\s{0,2}\|\s{0,2}(?:sudo -S|passwd|chpasswd"
    r"|docker login|kinit|gpg)",
    # A user and a password as arguments: auth=("admin", "…").
    r"(?:\bauth\s?=\s?|BasicAuth|\blogin|\bauthenticate|basic_auth)\(\s?[\"'][^\"'\n]{1,60}[\"']\s?,\s?[\"']("
    r"[^\s\"']{4,100})[\"']",
)
_COMMAND = Pattern("|".join(_COMMANDS), ignore_case=True)
# ``.netrc`` and ``.pgpass``.
_FILE_ENTRY = Pattern(
    r"\blogin\s{1,4}\S{1,80}\s{1,4}password\s{1,4}(\S{3,200})"
    r"|(?:^|\n)[\w.*\-]{1,100}:(?:\d{2,5}|\*):[\w*\-]{1,60}:[\w*.\-]{1,60}:([^\s:]{4,200})(?:\n|$)"
)
_PAIR = Pattern(
    r"\b(?:credentials?|creds|(?:log[ \-]?in|logon|username|user)(?: ?/ ?| and |\+)pass(?:word)?"
    r"|(?:sign|get|got)(?: me)?[ \-]?in (?:with|using|as)|log(?: me)?[ \-]?in(?: details?| info)?(?:\s?:| is"
    r"| are| with| as| using))(?: (?:are|is|for [\w.\- ]{1,30}?(?: are| is)?))?"
    r"\s{0,2}:?\s{0,2}[\"'`(]?[A-Za-z][\w.@\-]{1,60}[\"'`]?\s?(?:[:/|]|and)\s?[\"'`]?([^\s\"'`]{4,60})",
    ignore_case=True,
)
_COOKIE = Pattern(
    r"cookie[^\n]{0,200}?\b(?:[\w\-]*sess(?:ion)?(?:[_\-]?id)?|sid|phpsessid|jsessionid|connect\.sid"
    r"|[\w\-]*auth[\w\-]*|remember_\w+)=([0-9A-Za-z%._+/=\-]{16,})|\b(?:phpsessid|jsessionid"
    r"|asp\.net_sessionid|connect\.sid|laravel_session|sessionid)\s?[=:]\s?([0-9A-Za-z%._+/=\-]{16,})",
    ignore_case=True,
)


def _find_headers(text: EncodedText) -> Iterator[Span]:
    for start, end in _HEADER.values(text.data):
        if values.looks_random(text.value(start, end), shortest=8, bits=2.5):
            yield start, end
    for start, end in _BASIC.values(text.data):
        if _is_user_and_password(text.data[start:end]):
            yield start, end


def _is_user_and_password(encoded: bytes) -> bool:
    try:
        decoded = base64.b64decode(encoded + b"=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    user, colon, password = decoded.partition(":")
    return bool(colon) and (user + password).isprintable() and not values.is_placeholder(password)


def _find_command_lines(text: EncodedText) -> Iterator[Span]:
    for start, end in _COMMAND.values(text.data):
        value, end = read_value(text, start, end)
        if value and not (values.is_placeholder(value) or values.is_elsewhere(value) or is_ordinary(value)):
            yield start, end


def _find_file_entries(text: EncodedText) -> Iterator[Span]:
    for start, end in _FILE_ENTRY.values(text.data):
        if not values.is_placeholder(text.value(start, end)):
            yield start, end


def _find_pairs(text: EncodedText) -> Iterator[Span]:
    for start, end in _PAIR.values(text.data):
        value, end = read_value(text, start, end)
        if values.is_strong_password(value) and not value.startswith("/"):
            yield start, end


def _find_cookies(text: EncodedText) -> Iterator[Span]:
    for start, end in _COOKIE.values(text.data):
        if values.looks_random(text.value(start, end), shortest=16):
            yield start, end


LOGIN_RULES: tuple[ContextRule, ...] = (
    ContextRule(
        "authorization-header",
        "Authorization header",
        ("authorization", "bearer", "basic", "ssws", "sso-key"),
        _find_headers,
        "Authorization: Bearer " + alnum(32),
        "Authorization: Bearer <token>",
    ),
    ContextRule(
        "command-line-credential",
        "Credential on a command line",
        (
            "-pass",
            "-pwd",
            "-token",
            "-api",
            "-secret",
            "-auth",
            "-access",
            "-client",
            "-requirepass",
            "-storepass",
            "-keypass",
            "-db",
            "-registry",
            "curl",
            "sshpass",
            "mysql",
            "mariadb",
            "docker",
            "podman",
            "helm",
            "redis-cli",
            "ldapsearch",
            "mongo",
            "sqlcmd",
            "smbclient",
            "net use",
            "echo",
            "auth",
            "login",
        ),
        _find_command_lines,
        "curl -u deploy:" + alnum(10) + " https://ci.internal/build",
        "curl -u deploy https://ci.internal/build",
    ),
    ContextRule(
        "login-file-entry",
        "Entry of a log-in file",
        ("login", ":5432:", ":3306:", ":*:"),
        _find_file_entries,
        "machine git.internal login bob password " + alnum(9),
        "machine git.internal login bob",
    ),
    ContextRule(
        "session-cookie",
        "Session cookie",
        ("cookie", "sessid", "sessionid", "connect.sid", "laravel_session"),
        _find_cookies,
        "Cookie: theme=dark; sessionid=" + lower(32),
        "Cookie: theme=dark; lang=en",
    ),
    ContextRule(
        "login-pair",
        "User and password",
        (
            "credential",
            "creds",
            "login",
            "log in",
            "log-in",
            "log me in",
            "logon",
            "sign in",
            "get in",
            "username",
            "user",
        ),
        _find_pairs,
        "The credentials are admin / " + "W1nter" + "#2031",
        "The credentials are in the vault",
    ),
)
