"""The vendors' token formats, written from what the vendors publish about them.

The order is the order of precedence: where two rules claim the same characters, the earlier one names the finding.
Rules whose format is unmistakable stand before those that lean on context.
"""

from __future__ import annotations

from apps.core.detectors.secret_rules.ai import AI_RULES
from apps.core.detectors.secret_rules.clouds import CLOUD_RULES
from apps.core.detectors.secret_rules.code_hosts import CODE_HOST_RULES
from apps.core.detectors.secret_rules.databases import DATABASE_RULES
from apps.core.detectors.secret_rules.infrastructure import INFRASTRUCTURE_RULES
from apps.core.detectors.secret_rules.key_material import KEY_MATERIAL_RULES
from apps.core.detectors.secret_rules.mail import MAIL_RULES
from apps.core.detectors.secret_rules.messaging import MESSAGING_RULES
from apps.core.detectors.secret_rules.monitoring import MONITORING_RULES
from apps.core.detectors.secret_rules.named_vendors import NAMED_VENDOR_RULES
from apps.core.detectors.secret_rules.payments import PAYMENT_RULES
from apps.core.detectors.secret_rules.registries import REGISTRY_RULES
from apps.core.detectors.secret_rules.rule import SecretRule
from apps.core.detectors.secret_rules.workplace import WORKPLACE_RULES

__all__ = ["SECRET_RULES", "SecretRule"]

SECRET_RULES: tuple[SecretRule, ...] = (
    *KEY_MATERIAL_RULES,
    *DATABASE_RULES,
    *CLOUD_RULES,
    *CODE_HOST_RULES,
    *PAYMENT_RULES,
    *MESSAGING_RULES,
    *MAIL_RULES,
    *AI_RULES,
    *REGISTRY_RULES,
    *INFRASTRUCTURE_RULES,
    *MONITORING_RULES,
    *WORKPLACE_RULES,
    *NAMED_VENDOR_RULES,
)
