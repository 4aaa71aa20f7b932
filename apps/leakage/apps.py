from django.apps import AppConfig


class LeakageConfig(AppConfig):
    name = "apps.leakage"
