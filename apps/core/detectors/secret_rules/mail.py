"""Mail and newsletters."""

from __future__ import annotations

from apps.core.detectors.secret_rules.rule import END, SecretRule, named
from apps.core.detectors.synthetic import alnum, digits, hexa, uuid

MAIL_RULES = (
    SecretRule(
        "sendgrid-api-key",
        "SendGrid",
        r"\bSG\.[0-9A-Za-z_\-]{16,32}\.[0-9A-Za-z_\-]{16,64}",
        "SG." + alnum(22) + "." + alnum(43),
        "SG." + alnum(5),
        ("sg.",),
    ),
    SecretRule(
        "mailgun-api-key",
        "Mailgun",
        r"\b((?:pubkey|key)-[0-9a-f]{32}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8})" + END,
        "key-" + hexa(32),
        "key-" + hexa(9),
        (),
    ),
    SecretRule(
        "mailchimp-api-key",
        "Mailchimp",
        r"\b([0-9a-f]{32}-us[0-9]{1,2})" + END,
        hexa(32) + "-us" + "14",
        hexa(20) + "-us" + "14",
        ("-us",),
    ),
    SecretRule(
        "mandrill-api-key",
        "Mandrill",
        r"\b(md-[0-9A-Za-z_\-]{22})" + END,
        "md-" + alnum(22),
        "md-" + digits(4),
        ("md-",),
    ),
    SecretRule(
        "brevo-key",
        "Brevo",
        r"\bx(?:keysib|smtpsib)-[0-9a-f]{64}-[0-9A-Za-z]{16}",
        "xkeysib-" + hexa(64) + "-" + alnum(16),
        "xkeysib-" + hexa(10),
        ("xkeysib-", "xsmtpsib-"),
    ),
    SecretRule(
        "resend-api-key",
        "Resend",
        r"\bre_[0-9A-Za-z]{8}_[0-9A-Za-z]{20,}",
        "re_" + alnum(8) + "_" + alnum(24),
        "re_" + alnum(6),
        ("re_",),
    ),
    SecretRule(
        "mailersend-token",
        "MailerSend",
        r"\bmlsn\.[0-9a-f]{64}",
        "mlsn." + hexa(64),
        "mlsn." + hexa(8),
        ("mlsn.",),
    ),
    SecretRule(
        "postmark-server-token",
        "Postmark",
        named(r"postmark", r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"),
        "POSTMARK_SERVER_TOKEN=" + uuid(),
        "postmark_template " + uuid(),
        ("postmark",),
    ),
    SecretRule(
        "sparkpost-api-key",
        "SparkPost",
        named(r"sparkpost", r"[0-9a-f]{40}"),
        "SPARKPOST_API_KEY=" + hexa(40),
        "sparkpost release commit: " + hexa(40),
        ("sparkpost",),
        shapeless=True,
    ),
)
