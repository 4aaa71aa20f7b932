"""Settings, read from the environment; without any of it, the embedded default under ``var/``.

See ``.env.example`` for every variable and docs/operations.md for a team's installation.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured

from synthreview import environment, wall

# Lets `ModelAdmin[Spec]` and its like stand in annotations.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Which process is this, and what may it reach ---------------------------------------------------------

PROCESS = environment.text("SYNTHREVIEW_PROCESS", "shell")
if PROCESS not in wall.ALLOWED:
    raise ImproperlyConfigured(
        f"SYNTHREVIEW_PROCESS={PROCESS!r} is not one of {', '.join(sorted(wall.ALLOWED))}."
    )
for _name in wall.forbidden_variables(PROCESS):
    if _name in os.environ:
        raise ImproperlyConfigured(
            f"The {PROCESS} process must not be given {_name}: remove it from its environment (the holdout wall)."
        )

# pytest-django reads these settings before any conftest.py could say that tests keep out of a developer's var/.
_default_var = (
    tempfile.mkdtemp(prefix="synthreview-tests-") if "pytest" in sys.modules else str(BASE_DIR / "var")
)
_var = Path(environment.text("SYNTHREVIEW_VAR", _default_var)).resolve()
EMBEDDED = not (os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"))


def _address(alias: str) -> str:
    variable = wall.ADDRESS_VARIABLES[alias]
    if url := environment.text(variable):
        return url
    if not EMBEDDED:
        raise ImproperlyConfigured(
            f"DATABASE_URL is set, so the {PROCESS} process needs {variable} (or {variable}_FILE) too."
        )
    return f"sqlite:///{_var / alias / 'db.sqlite3'}"


_prepares = environment.text("DATABASE_PREPARE") != "0"
DATABASES = {
    alias: environment.database(_address(alias), prepares=_prepares)
    for alias in sorted(wall.ALLOWED[PROCESS])
}
DATABASE_ROUTERS = ["synthreview.routers.WallRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LEAKAGE_KEY = ""
if "leakage" in DATABASES:
    LEAKAGE_KEY = environment.text("LEAKAGE_KEY")
    if not LEAKAGE_KEY and not EMBEDDED:
        raise ImproperlyConfigured("DATABASE_URL is set, so set LEAKAGE_KEY or LEAKAGE_KEY_FILE too.")
    LEAKAGE_KEY = LEAKAGE_KEY or environment.generated_once(_var / "leakage" / "key")

# Request and result files of submissions, and built releases.
FILES_DIR = Path(environment.text("FILES_DIR", str(_var / "files")))

# --- Secrets and addresses of the site ---------------------------------------------------------------------

DEBUG = environment.text("DEBUG") == "1"
SECRET_KEY = environment.text("SECRET_KEY")
if not SECRET_KEY and not EMBEDDED and PROCESS != "beat":
    # One made up by each process would end sessions at every restart and make event chains that no other can check.
    raise ImproperlyConfigured(
        "DATABASE_URL is set, so set SECRET_KEY or SECRET_KEY_FILE too, the same for every process."
    )
SECRET_KEY = SECRET_KEY or environment.generated_once(_var / "secret_key")

PUBLIC_URL = environment.text("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
_public = urlsplit(PUBLIC_URL)
HTTPS = _public.scheme == "https"
ALLOWED_HOSTS = sorted(
    {_public.hostname or "", "localhost", "127.0.0.1", "[::1]", *environment.words("ALLOWED_HOSTS")}
)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
if environment.text("TRUSTED_PROXY") == "1":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 12 * 3600
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- Work ---------------------------------------------------------------------------------------------------

# Hosts (or host:port) beside the vendors' own that a provider connection may name: a gateway, a server of one's own.
PROVIDER_HOSTS = tuple(environment.words("PROVIDER_HOSTS"))

# Rules for secrets beside our own, in the format of gitleaks; a check at start names what is wrong with them.
SECRET_RULES_FILE = environment.text("SECRET_RULES_FILE")

REDIS_URL = environment.text("REDIS_URL")
CELERY_BROKER_URL = REDIS_URL or None

# --- Django -------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "apps.accounts",
    "apps.specs",
    "apps.records",
    "apps.similarity",
    "apps.leakage",
    "apps.holdout",
    "apps.submissions",
    "apps.generation",
    "apps.validation",
    "apps.intake",
    "apps.critic",
    "apps.review",
    "apps.datasets",
    "apps.evaluation",
    "apps.reports",
    "apps.operations",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.core.middleware.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.core.middleware.DomainErrorMiddleware",
]

ROOT_URLCONF = "synthreview.urls"
WSGI_APPLICATION = "synthreview.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.reports.navigation.navigation",
            ],
        },
    },
]

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["apps.accounts.backends.Backend"]
SESSION_ENGINE = "apps.accounts.backends"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "home"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = environment.text("TIME_ZONE", "UTC")
USE_I18N = False
USE_TZ = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 66 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 66 * 1024 * 1024

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
_COLLECTED = environment.text("STATIC_COLLECTED") == "1"
# A container collects its static files once at build time; everywhere else they are served from where they lie.
STATIC_ROOT = Path(environment.text("STATIC_ROOT", str(BASE_DIR / "staticfiles"))) if _COLLECTED else None
WHITENOISE_USE_FINDERS = not _COLLECTED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _COLLECTED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": environment.text("LOG_LEVEL", "WARNING")},
}
