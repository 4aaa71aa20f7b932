from django.apps import AppConfig


class HoldoutConfig(AppConfig):
    name = "apps.holdout"
