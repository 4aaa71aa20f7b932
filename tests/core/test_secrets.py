"""Credentials are found with exact spans, and what only looks like one is left alone."""

from __future__ import annotations

import inspect
from importlib import import_module
from pkgutil import iter_modules

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.detectors import secret_rules
from apps.core.detectors.patterns import WordIndex, literal
from apps.core.detectors.secret_context import CONTEXT_RULES, ContextRule
from apps.core.detectors.secret_rules import SECRET_RULES, SecretRule
from apps.core.detectors.secrets import Detection, SecretScanner, find_secrets, mask
from apps.core.detectors.synthetic import BASE58, BASE64, alnum, characters, digits, hexa, lower, upper, uuid

GITHUB_TOKEN = "ghp_" + alnum(36)
PEM_HEADER = "-----BEGIN RSA PRIV" + "ATE KEY-----"

ALL_RULES: tuple[SecretRule | ContextRule, ...] = (*SECRET_RULES, *CONTEXT_RULES)
MILLION = 1_000_000


def rules_in(text: str) -> list[str]:
    return [detection.rule for detection in find_secrets(text)]


def values_in(text: str) -> list[str]:
    return [text[detection.start : detection.end] for detection in find_secrets(text)]


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.name)
def test_the_example_of_a_rule_is_found_by_that_rule_alone(rule: SecretRule | ContextRule) -> None:
    assert rules_in(rule.example) == [rule.name]


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.name)
def test_the_near_miss_of_a_rule_is_found_by_no_rule(rule: SecretRule | ContextRule) -> None:
    assert rules_in(rule.near_miss) == []


@pytest.mark.parametrize("rule", SECRET_RULES, ids=lambda rule: rule.name)
def test_spans_count_characters_when_emoji_and_accents_stand_before(rule: SecretRule) -> None:
    before = "Größe 👩‍👩‍👧 naïve 日本 😀 … "
    text = f"{before}\n{rule.example}\n😀"
    assert values_in(text) == values_in(rule.example)
    assert all(detection.start > len(before) for detection in find_secrets(text))


def test_there_are_more_than_eighty_vendor_formats_with_names_of_their_own() -> None:
    names = [rule.name for rule in ALL_RULES]
    assert len(set(names)) == len(names)
    assert len({rule.vendor for rule in SECRET_RULES}) > 80


def test_no_whole_token_stands_in_the_source_of_the_rules() -> None:
    formats_only = SecretScanner(SECRET_RULES, ())
    for module in iter_modules(secret_rules.__path__):
        source = inspect.getsource(import_module(f"{secret_rules.__name__}.{module.name}"))
        found = [source[each.start : each.end] for each in formats_only.find(source)]
        assert found == [], module.name


PASSWORDS = [
    ("My password is hunter2, please reset it", "hunter2"),
    ("password: correcthorsebatterystaple", "correcthorsebatterystaple"),
    ("The wifi password is Sunflower99!", "Sunflower99!"),
    ('{"username": "bob", "password": "Tr0ub4dor&3"}', "Tr0ub4dor&3"),
    ('{\\"password\\": \\"Tr0ub4dor&3\\"}', "Tr0ub4dor&3"),
    ("<password>Fr0sty-Pie</password>", "Fr0sty-Pie"),
    ('<add name="DbPassword" value="Fr0sty!Pie" />', "Fr0sty!Pie"),
    ("db_password: |\n  Fr0sty!Pie", "Fr0sty!Pie"),
    ("Username: bob Password: sunshine", "sunshine"),
    ("my password is sunshine.", "sunshine"),
    ("export DB_PASSWORD=s3cr3tPa55", "s3cr3tPa55"),
    ("ADMIN_PASS=Gr8!Pass", "Gr8!Pass"),
    ("Server=sql1;User Id=sa;Password=P@ss!word12;", "P@ss!word12"),
    ("https://portal.internal/?user=bob&password=tr33house&lang=en", "tr33house"),
    ("root password for the prod server is 7hY!kk20pq", "7hY!kk20pq"),
    ("The admin password has been reset to Autumn-Leaf-92!", "Autumn-Leaf-92!"),
    ("please change the password from Winter2022 to Summer2023", "Summer2023"),
    ("the password you gave me (Zebra!900) does not work", "Zebra!900"),
    ("Please use password Zx81spectrum to log in", "Zx81spectrum"),
    ("temp password - Welcome1!", "Welcome1!"),
    ('the passphrase is "purple monkey dishwasher"', "purple monkey dishwasher"),
    ("Mein Passwort lautet Blumen77!", "Blumen77!"),
    ("mot de passe : Soleil2024", "Soleil2024"),
    ("la contraseña es Gato#4521", "Gato#4521"),
    ("senha: Futebol10!", "Futebol10!"),
    ("пароль: Zima2024!", "Zima2024!"),
    ("SSID: Cafe, Key: latte4you", "latte4you"),
    ("VPN pre-shared key: Tr33T0p$", "Tr33T0p$"),
    ("PASSWORD=123456", "123456"),
    ("my card pin: 8812", "8812"),
    ("the cvv on the back is 382", "382"),
]


@pytest.mark.parametrize(("text", "value"), PASSWORDS)
def test_a_password_is_found_by_what_stands_before_it(text: str, value: str) -> None:
    assert value in values_in(text)


KEYS = [
    (f"api_key={alnum(32)}", alnum(32)),
    (f"{{ token: '{alnum(40)}' }}", alnum(40)),
    (f'var apiToken: string = "{alnum(40)}"', alnum(40)),
    (f"API_TOKEN ?= {alnum(40)}", alnum(40)),
    (f'GetEnv("api_token", "{uuid()}")', uuid()),
    (f"my secret key: {characters(40, BASE64)}", characters(40, BASE64)),
    (f"https://api.internal/v1?api_key={hexa(32)}&q=1", hexa(32)),
    (f"X-Api-Key: {alnum(32)}", alnum(32)),
    (f"PARTNER_KEY={hexa(32)}", hexa(32)),
    (f"jenkins api token 11{hexa(32)}", "11" + hexa(32)),
    (f"the alchemy key {alnum(32)} expired", alnum(32)),
    (f"{alnum(32)} is our api key", alnum(32)),
    (f"Here is the secret, {alnum(30)}, keep it", alnum(30)),
    (f"wallet import key: K{characters(51, BASE58)}", "K" + characters(51, BASE58)),
]


@pytest.mark.parametrize(("text", "value"), KEYS)
def test_a_key_is_found_by_its_context_and_its_randomness(text: str, value: str) -> None:
    assert value in values_in(text)


LOGINS = [
    (f"curl -X POST \\\n  -u 'api:{alnum(12)}' https://mail.internal", alnum(12)),
    (f"mysql -u root -p{alnum(10)} shop", alnum(10)),
    ("sshpass -p 'h4ckme!' ssh root@10.0.0.1", "h4ckme!"),
    (f"docker login -u bob -p {alnum(12)} registry.internal", alnum(12)),
    ("echo 'P@ssw0rd!' | sudo -S apt update", "P@ssw0rd!"),
    ("requests.get(url, auth=('admin', 's3cr3t!'))", "s3cr3t!"),
    ("login: jdoe / P4ssw0rd99", "P4ssw0rd99"),
    ("sign in using mary@acme.io and Pa$$w0rd", "Pa$$w0rd"),
    (f"git clone https://{alnum(12)}:x-oauth-basic@github.com/a/b", "x-oauth-basic"),
    ("Authorization: Basic Ym9iOnBhNTV3MHJk", "Ym9iOnBhNTV3MHJk"),
    (f"headers = {{'Authorization': 'Token {hexa(40)}'}}", hexa(40)),
    (f"PHPSESSID={lower(26)}; lang=en", lower(26)),
]


@pytest.mark.parametrize(("text", "value"), LOGINS)
def test_a_login_is_found_as_programs_take_it(text: str, value: str) -> None:
    assert value in values_in(text)


IDENTIFIERS = [
    "Order 4821-99321-XK is late",
    "invoice INV-2024-00231 is unpaid",
    "tracking number 1Z999AA10123456784",
    f"commit {hexa(40)} broke the build",
    f"md5: {hexa(32)}",
    f"sha256:{hexa(64)}",
    f"The file's checksum is {hexa(64)}",
    f"integrity sha512-{characters(86, BASE64)}==",
    f"request id {uuid()}",
    f"session {uuid()} ended",
    f"correlation id: {uuid()}",
    f'ETag: "{hexa(32)}"',
    f"transaction 0x{hexa(64)}",
    f"container image@sha256:{hexa(64)}",
    "version 2.14.3-rc1",
    "data:image/png;base64," + characters(200, BASE64),
    f"user_id={hexa(24)}",
    f"coupon {upper(4)}-{upper(4)}-{upper(4)}",
    f"arn:aws:kms:eu-west-1:{digits(12)}:key/{uuid()}",
    f"AROA{upper(16)}",
    f"pk_live_{alnum(24)}",
    f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{alnum(43)} me@host",
    "-----BEGIN CERTIFICATE-----\n" + characters(64, BASE64),
]
PLACEHOLDERS = [
    "api_key=<your-api-key>",
    "API_KEY=your_api_key_here",
    "token: xxxxxxxxxxxxxxxxxxxx",
    "password: ********",
    "password: [hidden]",
    "password=changeme",
    "password=password",
    "password=${DB_PASSWORD}",
    "password: {{ vault_password }}",
    "Authorization: Bearer $TOKEN",
    "Authorization: Bearer <token>",
    "curl -u $USER:$PASS http://ci.internal",
    "curl -u user:password http://ci.internal",
    "postgres://user:password@localhost:5432/db",
    "postgresql://${USER}:${PASS}@db/x",
    "ghp_" + "x" * 36,
    "AKIA" + "X" * 16,
    "sk_" + "live_" + "0" * 24,
    "GITHUB_API_KEY=\nDYNATRACE_API_KEY=",
]
REMARKS = [
    "password is required",
    "Your password is incorrect",
    "My password is not working!",
    "the password is 8 to 64 characters long",
    "password must be at least 12 characters",
    "Password: required",
    "Is the password still valid until 12.05.2024?",
    "Why won't my passcode work?",
    "passwords are hashed with SHA-256",
    "password_min_length = 12",
    "Das Passwort ist abgelaufen",
    "Le mot de passe est incorrect",
    "max_tokens=4096",
    "unexpected token < in JSON at position 0",
    "The secret to good pasta is 10g salt per litre",
    "secret santa is on 12 December",
    "public_key = " + alnum(43),
    "idempotency-key: " + uuid(),
    "next_page_token: " + alnum(24),
    "csrf_token: " + alnum(32),
    '"sort_key": "' + hexa(32) + '"',
    "gpg key 4AEE18F83AFDEB23",
    "The credentials are in 1Password",
    "log in with Google/Office365",
    "Boarding pass: gate A12, seat 14C",
    "passed 15/20 tests",
    "The PIN code for delivery in Pune is 411001",
    "a 4 digit PIN is required",
    "docker run -p 8080:80 nginx",
]
CODE = [
    "password = os.environ['DB_PASSWORD']",
    "token = get_token(user)",
    "secret = config.get('secret')",
    "const apiKey = process.env.API_KEY;",
    "login(user=user, password=password)",
    "def check_password(self, password: str) -> bool:",
    "$password = $_POST['password'];",
    '{"password": {"type": "string", "minLength": 8}}',
    '<input type="password" name="password">',
    "private_key: /etc/ssl/private/server1.key",
    "key_length = X25519.key_length",
    "valueFrom: secretKeyRef: name: db-secret key: password1",
    "token = secrets.token_hex(32)",
]


@pytest.mark.parametrize("text", [*IDENTIFIERS, *PLACEHOLDERS, *REMARKS, *CODE])
def test_what_only_looks_like_a_credential_is_left_alone(text: str) -> None:
    assert values_in(text) == []


def test_a_value_from_a_vendors_documentation_is_reported_as_reserved() -> None:
    documented = find_secrets("key AKIAIOSFODNN7" + "EXAMPLE of the manual")
    real = find_secrets("key AKIA" + upper(16))
    assert [(each.rule, each.reserved) for each in documented] == [("aws-access-key-id", True)]
    assert [each.reserved for each in real] == [False]


def test_a_private_key_is_found_whole_cut_or_escaped() -> None:
    footer = PEM_HEADER.replace("BEGIN", "END")
    body = f"\n{characters(64, BASE64)}\n{characters(20, BASE64)}\n"
    assert values_in(f"key:\n{PEM_HEADER}{body}{footer}\nbye") == [f"{PEM_HEADER}{body}{footer}"]
    assert values_in(f"{PEM_HEADER} was all I saw") == [PEM_HEADER]
    escaped = f"{PEM_HEADER}{body}{footer}".replace("\n", "\\n")
    assert values_in(f'"{escaped}\\n"') == [escaped]


def test_a_whole_private_key_is_not_taken_for_a_placeholder_when_your_turns_up_in_it() -> None:
    body = "\n".join(characters(60, BASE64) + "YoUr" for _ in range(12))
    assert rules_in(f"{PEM_HEADER}\n{body}\n") == ["pem-private-key"]


def test_the_more_specific_rule_names_the_finding() -> None:
    assert rules_in(f"GITHUB_TOKEN={GITHUB_TOKEN}") == ["github-token"]
    assert rules_in("Authorization: Bearer sk-ant-api03-" + alnum(93) + "AA") == ["anthropic-api-key"]


def test_two_tokens_with_one_space_between_are_two_findings() -> None:
    assert rules_in(f"{GITHUB_TOKEN} {GITHUB_TOKEN}") == ["github-token", "github-token"]


def test_a_lone_surrogate_neither_stops_the_search_nor_moves_the_span() -> None:
    text = f"\ud800 é \udfff {GITHUB_TOKEN}"
    assert values_in(text) == [GITHUB_TOKEN]


def test_masking_keeps_the_ends_of_a_long_value_and_nothing_of_a_short_one() -> None:
    text = f"😀 {GITHUB_TOKEN} and my PIN is 4821."
    assert mask(text, find_secrets(text)) == f"😀 gh…{GITHUB_TOKEN[-2:]} and my PIN is …."


def test_masking_overlapping_detections_hides_their_union() -> None:
    text = "0123456789abcdefghij"
    overlapping = [Detection("a", "secret", 0, 14, "a"), Detection("b", "pii", 10, 20, "b")]
    assert mask(text, overlapping) == "01…cd…"


ADVERSARIES = [
    "a",
    "A",
    "1",
    "aB3",
    "😀",
    '"',
    ":",
    "eyJ",
    "sk-",
    "password=",
    "password is ",
    'token:"',
    "curl -u ",
]
ADVERSARIES += [
    PEM_HEADER,
    "://a:b",
    "kind: secret data: ",
    "seed phrase is abc ",
    "cookie sess=",
    "password for the ",
]


@pytest.mark.parametrize("unit", ADVERSARIES)
def test_a_million_characters_of_one_pattern_do_not_hide_what_follows(unit: str) -> None:
    text = unit * (MILLION // len(unit)) + f"\n\n {GITHUB_TOKEN}"
    assert values_in(text)[-1] == GITHUB_TOKEN


def test_the_word_index_finds_every_word_in_a_long_text() -> None:
    words = sorted({keyword for rule in ALL_RULES for keyword in rule.keywords})
    index = WordIndex({literal(word): [number] for number, word in enumerate(words)})
    assert index.rules((" x ".join(words) * 200).upper().encode()) >= {
        number for number, word in enumerate(words) if word.isascii()
    }


@given(st.text(alphabet=st.characters(), max_size=400))
def test_any_text_gives_ordered_spans_inside_it(text: str) -> None:
    end = 0
    for detection in find_secrets(text):
        assert end <= detection.start < detection.end <= len(text)
        end = detection.end


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_token_is_found_between_any_two_texts(before: str, after: str) -> None:
    text = f"{before}\n {GITHUB_TOKEN} \n{after}"
    assert any(GITHUB_TOKEN in text[each.start : each.end] for each in find_secrets(text))
