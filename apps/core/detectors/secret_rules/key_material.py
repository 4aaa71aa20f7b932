"""Private keys, signed tokens and password hashes: formats that belong to no single vendor."""

from __future__ import annotations

from apps.core.detectors.secret_rules.rule import END, SecretRule
from apps.core.detectors.synthetic import BASE58, BASE64, BECH32, HEX, alnum, characters, digits, hexa, upper

_BCRYPT = "./" + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

# A line's end in a file, and in a string of JSON or of a program.
_LINE_END = r"(?:\s|\\[nr])"

KEY_MATERIAL_RULES = (
    SecretRule(
        "pem-private-key",
        "Private key",
        # The footer is optional: a text cut in the middle of a key has leaked the key's first part all the same. The
        # body has no hyphen, so that a page full of headers is read once.
        r"-----BEGIN (?:[0-9A-Z]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        rf"(?:{_LINE_END}{{1,8}}[A-Za-z]+(?:-[A-Za-z]+)?: [^\n]{{0,120}}){{0,6}}"
        rf"(?:{_LINE_END}{{1,8}}[0-9A-Za-z+/=]{{16,}})*"
        rf"(?:(?:{_LINE_END}|[0-9A-Za-z+/=]){{0,100}}-----END [0-9A-Z ]{{0,40}}PRIVATE KEY(?: BLOCK)?-----)?",
        "-----BEGIN RSA PRIV" + "ATE KEY-----\n" + characters(64, BASE64),
        "-----BEGIN PUB" + "LIC KEY-----\n" + characters(64, BASE64),
        ("private key",),
    ),
    SecretRule(
        "openssh-private-key-body",
        "Private key",
        rf"\bb3BlbnNzaC1rZXktdjE[0-9A-Za-z+/=]{{40,}}(?:{_LINE_END}{{1,4}}[0-9A-Za-z+/=]{{16,}})*",
        "b3BlbnNza" + "C1rZXktdjE" + characters(80, BASE64),
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5" + characters(48, BASE64) + " someone@host",
        ("b3blbnnzac1rzxktdje",),
    ),
    SecretRule(
        "der-private-key",
        "Private key",
        # The first bytes of a PKCS #1 or PKCS #8 RSA key and of a SEC 1 key, in Base64 without the lines around it.
        r"\b(?:MII[A-Z][0-9A-Za-z+/]{2}IBAAK[BC]|MII[A-Z][0-9A-Za-z+/]{2}IBADANBgkqhkiG9w0BAQEFAAS"
        r"|MHcCAQEEI)[0-9A-Za-z+/=\\]{30,}",
        "MIIEpA" + "IBAAKCAQEA" + characters(60, BASE64),
        # A public key.
        "MIIBIj" + "ANBgkqhkiG9w0BAQEFAAOCAQ8A" + characters(60, BASE64),
        ("mii", "mhccaqee"),
    ),
    SecretRule(
        "putty-private-key",
        "Private key",
        r"PuTTY-User-Key-File-[0-9]: [^\n]{1,80}",
        "PuTTY-User-" + "Key-File-3: ssh-ed25519",
        "The PuTTY user guide has a file for keys",
        ("putty-user-key-file-",),
    ),
    SecretRule(
        "jwk-private-key",
        "Private key",
        r"\"d\\?\"\s{0,3}:\s{0,3}\\?\"([0-9A-Za-z_\-]{40,})\\?\"",
        '{"kty": "OKP", "crv": "Ed25519", "d": "' + alnum(43) + '"}',
        '{"kty": "OKP", "crv": "Ed25519", "x": "' + alnum(43) + '"}',
        ('"kty', '\\"kty'),
    ),
    SecretRule(
        "wireguard-private-key",
        "WireGuard",
        r"(?i:PrivateKey|PresharedKey)\s{0,3}=\s{0,3}([0-9A-Za-z+/]{43}=)",
        "[Interface]\nPrivate" + "Key = " + characters(43, BASE64) + "=",
        "[Peer]\nPublicKey = " + characters(43, BASE64) + "=",
        ("privatekey", "presharedkey"),
    ),
    SecretRule(
        "json-web-token",
        "JSON Web Token",
        r"\beyJ[0-9A-Za-z_\-]{8,}={0,2}\.eyJ[0-9A-Za-z_\-]{8,}={0,2}\.[0-9A-Za-z_\-]{8,}",
        "eyJhbGciOiJIUzI1NiJ9." + "eyJ" + alnum(40) + "." + alnum(43),
        "eyJhbGciOiJIUzI1NiJ9 is the header of a token",
        ("eyj",),
    ),
    SecretRule(
        "json-web-encryption",
        "JSON Web Token",
        r"\beyJ[0-9A-Za-z_\-]{12,}\.[0-9A-Za-z_\-]{0,400}\.[0-9A-Za-z_\-]{10,24}\.[0-9A-Za-z_\-]{10,}\."
        r"[0-9A-Za-z_\-]{16,24}",
        "eyJ" + alnum(40) + "." + alnum(60) + "." + alnum(16) + "." + alnum(80) + "." + alnum(22),
        "eyJ" + alnum(40) + ".zip",
        ("eyj",),
    ),
    SecretRule(
        "bip32-private-key",
        "Cryptocurrency wallet",
        r"\b[xyztuv]prv[1-9A-HJ-NP-Za-km-z]{100,112}",
        "xprv" + characters(107, BASE58),
        "xpub" + characters(107, BASE58),
        ("prv",),
    ),
    SecretRule(
        "wallet-import-format-key",
        "Cryptocurrency wallet",
        r"(?i:wif|private|wallet|bitcoin|btc)[^\n]{0,40}?\b([5KLc9][1-9A-HJ-NP-Za-km-z]{50,51})" + END,
        "wallet import key: K" + characters(51, BASE58),
        "wallet address: bc1q" + hexa(38),
        ("wif", "private", "wallet", "bitcoin", "btc"),
    ),
    SecretRule(
        "ethereum-private-key",
        "Cryptocurrency wallet",
        r"(?i:private|secret|wallet|signer|deployer)[\w .\-]{0,20}(?i:key|pk|seed)?[\"'\\]{0,3}\s{0,3}"
        r"(?:=>|:=|[=:,]|\bis\b)?\s{0,3}[\"'`\\]{0,3}((?:0x)?[0-9a-fA-F]{64})" + END,
        "private_key = 0x" + hexa(64),
        "transaction 0x" + hexa(64),
        ("private", "secret", "wallet", "signer", "deployer"),
        shapeless=True,
    ),
    SecretRule(
        "wallet-seed-phrase",
        "Cryptocurrency wallet",
        r"(?i:seed|recovery|mnemonic|backup|secret recovery)(?i: phrase| words)?\s{0,2}(?i:is|are|was|:|="
        r"|-)[\s:\"'`]{0,4}((?:[a-z]{3,8}[ ,]{1,2}){11,23}[a-z]{3,8})\b",
        "My seed phrase is " + "ladder orbit canvas ".lower() * 3 + "velvet tunnel magnet",
        "The recovery phrase is a list of twelve words that you should write down on paper and keep in a safe",
        ("phrase", "seed", "mnemonic"),
    ),
    SecretRule(
        "password-hash",
        "Password hash",
        r"\$2[abxy]\$[0-9]{2}\$[./0-9A-Za-z]{53}|\$argon2(?:id|i"
        r"|d)\$v=[0-9]+\$[0-9A-Za-z=,]+\$[0-9A-Za-z+/]{8,}\$[0-9A-Za-z+/]{16,}"
        r"|\$[156y]\$(?:rounds=[0-9]+\$)?[./0-9A-Za-z]{1,16}\$[./0-9A-Za-z]{22,86}"
        r"|\bpbkdf2_sha256\$[0-9]+\$[0-9A-Za-z]+\$[0-9A-Za-z+/]{43}="
        r"|\bscrypt:[0-9]+:[0-9]+:[0-9]+\$[0-9A-Za-z]+\$[0-9a-f]{64,}",
        "$2b$" + "12$" + characters(53, _BCRYPT),
        "$2b$" + "12$ is the head of a bcrypt hash",
        ("$2", "$argon2", "$1$", "$5$", "$6$", "$y$", "pbkdf2_sha256$", "scrypt:"),
    ),
    SecretRule(
        "otpauth-secret",
        "One-time password seed",
        r"otpauth://[^\s\"'<>]{1,200}?[?&]secret=([A-Za-z2-7]{16,})",
        "otpauth://totp/Demo:me?"
        + "secret="
        + characters(32, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        + "&issuer=Demo",
        "otpauth://totp/Demo:me?issuer=Demo",
        ("otpauth://",),
    ),
    SecretRule(
        "django-secret-key",
        "Django",
        r"django-insecure-[^\s\"']{30,}",
        "django-" + "insecure-" + characters(50, "abcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*(-_=+)"),
        "django-insecure-defaults",
        ("django-insecure-",),
    ),
    SecretRule(
        "laravel-app-key",
        "Laravel",
        r"\bbase64:([0-9A-Za-z+/]{43}=)",
        "APP_KEY=base64:" + characters(43, BASE64) + "=",
        "data:image/png;base64," + characters(200, BASE64),
        ("base64:",),
    ),
    SecretRule(
        "wifi-qr-password",
        "Wi-Fi",
        r"WIFI:(?:[A-Z]:[^;]{0,64};){0,3}P:([^;\"]{8,63});",
        "WIFI:T:WPA;S:Office;P:" + alnum(14) + ";;",
        "WIFI:T:nopass;S:Guests;;",
        ("wifi:",),
    ),
    SecretRule(
        "rails-master-key",
        "Rails",
        rf"(?i:secret_key_base|master[._]key)[\"']?\s{{0,3}}[=:]\s{{0,3}}[\"']?([{HEX}]{{32}}(?:[{HEX}]{{96}})?)"
        + END,
        "secret_key_base: " + hexa(128),
        "master_key_arn: " + upper(20),
        ("secret_key_base", "master"),
    ),
    SecretRule(
        "ssh2-private-key",
        "Private key",
        r"---- BEGIN SSH2 (?:ENCRYPTED )?PRIVATE KEY ----",
        "---- BEGIN SSH2 ENCRYPTED PRIV" + "ATE KEY ----",
        "---- BEGIN SSH2 PUBLIC KEY ----",
        ("ssh2",),
    ),
    SecretRule(
        "xml-rsa-private-key",
        "Private key",
        r"<RSAKeyValue>[^\n]{0,1000}?<D>([0-9A-Za-z+/=]{40,})</D>",
        "<RSAKeyValue><Modulus>AQAB</Modulus><D>" + characters(88, BASE64) + "</D></RSAKeyValue>",
        "<RSAKeyValue><Modulus>" + characters(88, BASE64) + "</Modulus></RSAKeyValue>",
        ("<rsakeyvalue>",),
    ),
    SecretRule(
        "nostr-private-key",
        "Nostr",
        r"\bnsec1[02-9ac-hj-np-z]{58}\b",
        "nsec1" + characters(58, BECH32).lower(),
        "npub1" + characters(58, BECH32).lower(),
        ("nsec1",),
    ),
    SecretRule(
        "bitlocker-recovery-key",
        "BitLocker",
        r"\b((?:[0-9]{6}-){7}[0-9]{6})\b",
        "-".join(f"{part}{digits(5)}" for part in range(8)),
        "-".join(f"{part}{digits(5)}" for part in range(5)),
        ("-",),
    ),
)
