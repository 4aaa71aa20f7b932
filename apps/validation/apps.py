from django.apps import AppConfig
from django.core.checks import register

from apps.validation.system_checks import check_secret_rules


class ValidationConfig(AppConfig):
    name = "apps.validation"

    def ready(self) -> None:
        register(check_secret_rules)
