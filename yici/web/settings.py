"""Settings of the whole site. Everything an operator may change comes from the environment."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from csp.constants import NONCE, NONE, SELF

from yici.web.database import data_home

ROOT = Path(__file__).resolve().parents[2]
HOME = data_home()
PORT = int(os.environ.get("YICI_PORT", "8000"))
DEBUG = os.environ.get("YICI_DEBUG") == "1"


def _secret_key() -> str:
    """One random key per data folder, made at first start and kept readable by its owner only."""
    if key := os.environ.get("YICI_SECRET_KEY"):
        return key
    path = HOME / "secret-key"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(secrets.token_urlsafe(48))
    return path.read_text().strip()


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = os.environ.get("YICI_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
SITE_URL = os.environ.get("YICI_SITE_URL", f"http://127.0.0.1:{PORT}")
CSRF_TRUSTED_ORIGINS = [SITE_URL]
TRUSTED_PROXIES = frozenset(filter(None, os.environ.get("YICI_TRUSTED_PROXIES", "").split(",")))


def _database(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    host = parse_qs(parts.query).get("host", [parts.hostname or ""])[0]
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        # Prepared statements: the same few queries come again and again, and planning one of eight joins costs the
        # database more than running it. A pooler in front must support them (PgBouncer from 1.21 on).
        "OPTIONS": {"application_name": "yici", "server_side_binding": True, "prepare_threshold": 3},
        "TEST": {"NAME": os.environ.get("YICI_TEST_DATABASE", "yici_test")},
    }


DATABASES = {"default": _database(os.environ.get("DATABASE_URL", "postgresql://postgres@/yici"))}

CORE_APPS = [
    f"yici.core.{name}.apps.Config"
    for name in (
        "audit",
        "places",
        "calendars",
        "vocabulary",
        "people",
        "files",
        "messages",
        "ledger",
        "metrics",
        "forms",
        "cases",
    )
]
PLATFORM_APPS = [f"yici.platform.{name}.apps.Config" for name in ("data", "trust", "pay")]
SYSTEM_APPS = [f"yici.systems.{name}.apps.Config" for name in ("hall",)]
INSTALLED_APPS = [
    "yici.web.apps.Config",
    *CORE_APPS,
    *PLATFORM_APPS,
    *SYSTEM_APPS,
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.idp.oidc",
    "axes",
    "django_htmx",
    "template_partials",
    "ninja",
    "procrastinate.contrib.django",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "yici.web.middleware.preferences",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "yici.web.middleware.errors_for_people",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "yici.web.urls"
WSGI_APPLICATION = "yici.web.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "yici" / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["yici.web.templatetags.yici", "django.templatetags.i18n"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "yici.web.context.shell",
            ],
        },
    }
]

AUTH_USER_MODEL = "people.Account"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "yici.platform.trust.oidc.hashing.RandomSecretHasher",
]
LOGIN_URL = "/login/"
STEP_UP_URL = "/my/identity/"
LOGIN_REDIRECT_URL = "/my/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "yici.core.people.sign_in.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ADAPTER = "yici.core.people.sign_in.MfaAdapter"
MFA_TOTP_ISSUER = "Yici"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = SITE_URL.startswith("http://127.0.0.1")
IDP_OIDC_ADAPTER = "yici.platform.trust.oidc.adapter.Adapter"
IDP_OIDC_INTROSPECTION_ENABLED = True
IDP_OIDC_ACCESS_TOKEN_EXPIRES_IN = 900  # seconds
IDP_OIDC_REFRESH_TOKEN_EXPIRES_IN = 8 * 3600
# Between servers: many systems may sit behind one address.
IDP_OIDC_RATE_LIMITS = {"introspect_ip": "600/m/ip", "introspect_client": "600/m/key"}
CACHES = {"default": {"BACKEND": "yici.web.caching.Cache"}}
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False

SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = False
SECURE_COOKIES = SITE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "manifest-src": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "中文"), ("en", "English")]
LANGUAGE_COOKIE_NAME = "language"
LOCALE_PATHS = [ROOT / "yici" / "web" / "locale"]
USE_I18N = True
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [ROOT / "yici" / "web" / "static"]
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(HOME / "files")},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MAX_AGE = 600

DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
FILE_SIZE_LIMIT = 20 * 1024 * 1024  # bytes, of one uploaded file

SMS_ENDPOINT = os.environ.get("YICI_SMS_ENDPOINT", f"http://127.0.0.1:{PORT + 1}")
SMS_ACCOUNT = {
    "ecName": os.environ.get("YICI_SMS_EC_NAME", "亳州市"),
    "apId": os.environ.get("YICI_SMS_AP_ID", "yici"),
    "secretKey": os.environ.get("YICI_SMS_SECRET", "sandbox-only"),
    "sign": os.environ.get("YICI_SMS_SIGN", "sandbox-sign"),
}

# Paying: where each provider is, who we are to it, and the folder of keys. Without an address the sandbox of `yici run` is it.
PAY_SANDBOX = f"http://127.0.0.1:{PORT + 4}"
PAY_ENDPOINTS = {
    name: os.environ.get(f"YICI_{name.upper()}_ENDPOINT", PAY_SANDBOX)
    for name in ("wechat", "alipay", "unionpay", "billers")
}
PAY_MERCHANTS = {
    "wechat": {
        "mchid": os.environ.get("YICI_WECHAT_MCHID", "1900007291"),
        "appid": os.environ.get("YICI_WECHAT_APPID", "wxd678efh567hg6787"),
    },
    "alipay": {"app_id": os.environ.get("YICI_ALIPAY_APP_ID", "2021000000000001")},
    "unionpay": {"merchant": os.environ.get("YICI_UNIONPAY_MERCHANT", "777290058110048")},
    "billers": {"secret": os.environ.get("YICI_BILLERS_SECRET", "sandbox-biller")},
}
PAY_KEYS = Path(os.environ.get("YICI_PAY_KEYS") or HOME / "pay")
# The police ID service: where it listens, who we are there, and the public key it signs with.
POLICE_ENDPOINT = os.environ.get("YICI_POLICE_ENDPOINT", f"http://127.0.0.1:{PORT + 3}")
POLICE_APP = os.environ.get("YICI_POLICE_APP", "yici")
POLICE_KEY = os.environ.get("YICI_POLICE_KEY", str(HOME / "sandbox" / "police" / "service.pub"))
READING_DAYS = int(os.environ.get("YICI_READING_DAYS", "90"))  # of what was read from papers
ANTIVIRUS_SOCKET = os.environ.get("YICI_CLAMD_SOCKET", "")
EMAIL_HOST = os.environ.get("YICI_SMTP_HOST", "127.0.0.1")
EMAIL_PORT = int(os.environ.get("YICI_SMTP_PORT", str(PORT + 2)))
DEFAULT_FROM_EMAIL = os.environ.get("YICI_MAIL_FROM", "yici@localhost")

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"
SILENCED_SYSTEM_CHECKS = ["axes.W003"]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("YICI_LOG_LEVEL", "WARNING")},
}
TEST_RUNNER = "django.test.runner.DiscoverRunner"

# The data platform: raw deliveries, the lake, quarantine and work files; which engine screens; what a run may take.
DATA_HOME = Path(os.environ.get("YICI_DATA_HOME") or HOME / "data")
DATA_RAW_DAYS = int(os.environ.get("YICI_DATA_RAW_DAYS") or 180)  # how long the bytes of a delivery are kept
DATA_ENGINE = os.environ.get("YICI_DATA_ENGINE", "duckdb")  # duckdb or spark
DATA_MEMORY = os.environ.get("YICI_DATA_MEMORY", "2GB")
DATA_THREADS = int(os.environ.get("YICI_DATA_THREADS") or os.cpu_count() or 2)
