"""Settings, read from the environment alone. The README's table names each that production sets."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import environ
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from opsdesk import local_services
from opsdesk.local_places import Place

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DEVELOPMENT_SECRET = "for development alone; production refuses to start with it"

DEBUG = env.bool("DEBUG", default=True)
SECRET_KEY = env.str("SECRET_KEY", default=DEVELOPMENT_SECRET)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])

if not DEBUG:
    # Not left to the system checks alone: a server process does not run them.
    if SECRET_KEY in ("", DEVELOPMENT_SECRET):
        raise ImproperlyConfigured("SECRET_KEY must be set to a value of your own when DEBUG is off.")
    if not ALLOWED_HOSTS:
        raise ImproperlyConfigured("ALLOWED_HOSTS must name the desk's hosts when DEBUG is off.")
    for name in ("DATABASE_URL", "REDIS_URL"):
        if not env.str(name, default=""):
            raise ImproperlyConfigured(f"{name} must be set when DEBUG is off.")

# Applications

INSTALLED_APPS = [
    "opsdesk.apps.OpsdeskConfig",
    "opsdesk.apps.DeskAdminConfig",
    "rules.apps.RulesConfig",
    "shops.apps.ShopsConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "simple_history",
    "import_export",
    "django_rq",
    "axes",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "opsdesk.middleware.room_for_uploads",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "axes.middleware.AxesMiddleware",
    "opsdesk.middleware.declared_metrics_once",
]

ROOT_URLCONF = "opsdesk.urls"
WSGI_APPLICATION = "opsdesk.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "opsdesk" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Databases: the application's role, and beside it the owner's, with which `migrate` alone connects.

_addresses = {} if not DEBUG or env.str("DATABASE_URL", default="") else local_services.addresses()


def _database(variable: str) -> dict:
    config = env.db_url_config(env.str(variable, default=_addresses.get(variable, "")))
    config["ENGINE"] = "django.db.backends.postgresql"
    config["CONN_HEALTH_CHECKS"] = True
    return config


DATABASES = {"default": _database("DATABASE_URL")}
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
if env.str("DATABASE_OWNER_URL", default=_addresses.get("DATABASE_OWNER_URL", "")):
    DATABASES["owner"] = _database("DATABASE_OWNER_URL")

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Queue

REDIS_URL = env.str("REDIS_URL", default=_addresses.get("REDIS_URL", ""))
if not REDIS_URL and DEBUG:
    REDIS_URL = local_services.addresses()["REDIS_URL"]
RQ_QUEUES = {
    "default": {
        "URL": REDIS_URL,
        "DEFAULT_TIMEOUT": 3600,
        "SERIALIZER": "rq.serializers.JSONSerializer",
    }
}
RQ = {"COMMIT_MODE": "on_db_commit"}
# Its pages open to every member of staff, and can empty a queue.
RQ_SHOW_ADMIN_LINK = False

# People

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"
# A wrong password locks this name from this address for a while; the name stays usable elsewhere.
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "admin/locked_out.html"
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False

# History and imports: what the libraries leave open is closed here.

SIMPLE_HISTORY_REVERT_DISABLED = True
# For much of what people decide the line of history is the only place in which their reason stands.
SIMPLE_HISTORY_HISTORY_CHANGE_REASON_USE_TEXT_FIELD = True
SIMPLE_HISTORY_ENFORCE_HISTORY_MODEL_PERMISSIONS = True
IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "import"
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "export"

# Language and time. A business day is a calendar day in Shanghai.

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"
USE_THOUSAND_SEPARATOR = True
FORMAT_MODULE_PATH = ["opsdesk.formats"]

# Files

DATA_DIR = Place.at(None).root if DEBUG else Path(env.str("OPSDESK_DATA", default="/var/lib/opsdesk"))
STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(DATA_DIR / "static")))
FILES_ROOT = env.str("FILES_ROOT", default=str(DATA_DIR / "files"))


def evidence_store() -> dict:
    """Where evidence lies: a folder that nobody else reads, or a bucket that nothing is public in."""
    bucket = env.str("EVIDENCE_S3_BUCKET", default="")
    if not bucket:
        own = {"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700}
        location = env.str("EVIDENCE_ROOT", default=str(Path(FILES_ROOT) / "evidence"))
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": location, **own},
        }
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        # Who may use the bucket is told the way all clients are: AWS_ACCESS_KEY_ID and the like.
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": env.str("EVIDENCE_S3_ENDPOINT", default="") or None,
            "region_name": env.str("EVIDENCE_S3_REGION", default="") or None,
            "location": env.str("EVIDENCE_S3_FOLDER", default="evidence"),
            # Never in the place of another, and never by an address of the store's own.
            "file_overwrite": False,
            "default_acl": None,
            "querystring_auth": True,
            "signature_version": "s3v4",
            # In bytes: what is read lies in memory up to here, and beyond it on the disk.
            "max_memory_size": 4 << 20,
        },
    }


STORAGES = {
    # Kept files are reached by those who may, never by address: no MEDIA_URL.
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": FILES_ROOT},
    },
    "evidence": evidence_store(),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
# What one import may weigh. It's streamed to the disk: this bounds the disk, not the memory.
IMPORT_MAX_BYTES = env.int("IMPORT_MAX_MB", default=512) << 20
# What a workbook may unfold to: half a megabyte of XLSX can hold 200 of them.
IMPORT_MAX_UNPACKED_BYTES = env.int("IMPORT_MAX_UNPACKED_MB", default=256) << 20
# What supports an appeal, in bounds: of each picture or PDF, of each film, and how many an appeal may have.
EVIDENCE_MAX_MB = env.int("EVIDENCE_MAX_MB", default=20)
EVIDENCE_FILM_MAX_MB = env.int("EVIDENCE_FILM_MAX_MB", default=200)
EVIDENCE_MAX_FILES = env.int("EVIDENCE_MAX_FILES", default=30)
EVIDENCE_MAX_MEGAPIXELS = env.int("EVIDENCE_MAX_MEGAPIXELS", default=64)
EVIDENCE_MAX_PAGES = env.int("EVIDENCE_MAX_PAGES", default=60)
# Of the processor's time, for drawing one file.
EVIDENCE_MAX_SECONDS = env.int("EVIDENCE_MAX_SECONDS", default=30)
# On one machine: drawing takes a core, and up to a gigabyte.
EVIDENCE_DRAWN_AT_ONCE = env.int("EVIDENCE_DRAWN_AT_ONCE", default=max(1, (os.cpu_count() or 2) // 2))
# Of a ZIP or a folder that comes with many appeals.
EVIDENCE_PARCEL_FILES = env.int("EVIDENCE_PARCEL_FILES", default=200)
EVIDENCE_PARCEL_MAX_UNPACKED_MB = env.int("EVIDENCE_PARCEL_MAX_UNPACKED_MB", default=512)
# A folder whose files are taken in by themselves; empty: there is none.
DROP_FOLDER = env.str("DROP_FOLDER", default="")
# Whole months of metrics that are kept before the running one, at least 3; 0: all of them.
# For how many days the platform's points count; 0: until the end of 31 December (R16). Those of an alliance
# count as its own setting says.
POINTS_DAYS = env.int("POINTS_DAYS", default=365)
# So many days before something ends by itself the desk is reminded of it.
REMINDED_DAYS = env.int("REMINDED_DAYS", default=7)
METRICS_KEPT_MONTHS = env.int("METRICS_KEPT_MONTHS", default=36)
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = False

# The browser

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "script-src": [SELF, NONCE],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
if not DEBUG:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31536000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True

# Logs: one line an event, to standard error, so that `--json` keeps standard output to itself.

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": sys.stderr, "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="WARNING")},
}
