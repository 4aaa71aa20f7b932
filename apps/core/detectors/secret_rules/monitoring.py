"""Monitoring, logging and alerting."""

from __future__ import annotations

from apps.core.detectors.secret_rules.rule import END, SecretRule, named
from apps.core.detectors.synthetic import alnum, digits, hexa, lower, upper

MONITORING_RULES = (
    SecretRule(
        "newrelic-key",
        "New Relic",
        r"\b(NRAK-[0-9A-Z]{27}|NRII-[0-9A-Za-z_\-]{32}|NRJS-[0-9a-f]{19}|[0-9A-Za-z]{36}NRAL)" + END,
        "NRAK-" + upper(27),
        "NRAK-" + upper(7),
        ("nrak-", "nrii-", "nrjs-", "nral"),
    ),
    SecretRule(
        "grafana-token",
        "Grafana",
        r"\b(?:glsa_[0-9A-Za-z]{32}_[0-9A-Fa-f]{8}|glc_[0-9A-Za-z+/]{32,}={0,3}"
        r"|eyJrIjoi[0-9A-Za-z]{40,}={0,3})",
        "glsa_" + alnum(32) + "_" + hexa(8),
        "glsa_" + alnum(10),
        ("glsa_", "glc_", "eyjrijoi"),
    ),
    SecretRule(
        "sentry-token",
        "Sentry",
        r"\b(?:sntrys_[0-9A-Za-z+/=_\-]{40,}|sntry[uai]_[0-9a-f]{64})",
        "sntryu_" + hexa(64),
        "sntryu_" + hexa(8),
        ("sntrys_", "sntryu_", "sntrya_", "sntryi_"),
    ),
    SecretRule(
        "dynatrace-token",
        "Dynatrace",
        r"\bdt0[a-z][0-9]{2}\.[0-9A-Z]{8,24}\.[0-9A-Z]{64}",
        "dt0c01." + upper(24) + "." + upper(64),
        "dt0c01." + upper(24),
        ("dt0",),
    ),
    SecretRule(
        "honeycomb-key",
        "Honeycomb",
        r"\bhc[abx]i[ck]_[0-9a-z]{50,}",
        "hcaik_" + lower(58),
        "hcaik_" + lower(6),
        ("hcai", "hcbi", "hcxi"),
    ),
    SecretRule(
        "posthog-personal-key",
        "PostHog",
        r"\bph[xs]_[0-9A-Za-z]{36,}",
        "phx_" + alnum(43),
        "phc_" + alnum(43),
        ("phx_", "phs_"),
    ),
    SecretRule(
        "datadog-key",
        "Datadog",
        named(r"datadog|\bdd[_-](?:api|app)", r"[0-9a-z]{40}|[0-9a-f]{32}"),
        "DATADOG_API_KEY=" + hexa(32),
        "datadog agent md5: " + hexa(32),
        ("datadog", "dd_a", "dd-a"),
        shapeless=True,
    ),
    SecretRule(
        "pagerduty-token",
        "PagerDuty",
        named(r"pager_?duty|\bpd_", r"(?:u\+|y_|r\+)?[0-9A-Za-z_+\-]{18,20}|[0-9a-f]{32}"),
        "PAGERDUTY_TOKEN=" + alnum(20),
        "pagerduty incident=" + digits(6),
        ("pagerduty", "pager_duty", "pd_"),
        shapeless=True,
    ),
    SecretRule(
        "sumologic-key",
        "Sumo Logic",
        named(r"sumo_?logic", r"su[0-9A-Za-z]{12}|[0-9A-Za-z]{64}"),
        "sumologic_access_id=su" + alnum(12),
        "sumologic_endpoint=" + "eu",
        ("sumologic", "sumo_logic"),
        shapeless=True,
    ),
    SecretRule(
        "datadog-application-key",
        "Datadog",
        r"\bdd(?:app|pat|api)_[0-9A-Za-z]{30,}",
        "ddapp_" + alnum(34),
        "ddapp_" + lower(6),
        ("ddapp_", "ddpat_", "ddapi_"),
    ),
    SecretRule(
        "checkly-api-key",
        "Checkly",
        r"\b(c[ua]_[0-9a-f]{32})" + END,
        "cu_" + hexa(32),
        "cu_" + hexa(8),
        ("cu_", "ca_"),
    ),
)
