"""Addresses with a user and a password in them."""

from __future__ import annotations

from apps.core.detectors.secret_rules.rule import SecretRule
from apps.core.detectors.synthetic import alnum


def _with_password(scheme: str) -> str:
    """The value is the password. The user may be missing (Redis); the last ``@`` of the authority ends it."""
    return rf"(?i:\b(?:{scheme}))://[^\s:/@\"'<>]{{0,80}}:([^\s/\"'<>]{{1,200}})@[0-9A-Za-z_\[.\-{{$(]"


DATABASE_RULES = (
    SecretRule(
        "postgresql-url",
        "PostgreSQL",
        _with_password(r"(?:jdbc:)?postgres(?:ql)?(?:\+[a-z0-9]+)?|cockroachdb|redshift|timescaledb"),
        "postgresql://app:" + alnum(14) + "@db.internal:5432/orders",
        "postgresql://app@db.internal:5432/orders",
        ("postgres", "cockroachdb", "redshift", "timescaledb"),
    ),
    SecretRule(
        "mysql-url",
        "MySQL",
        _with_password(r"(?:jdbc:)?(?:mysqlx?|mariadb)(?:\+[a-z0-9]+)?"),
        "mysql+pymysql://root:" + alnum(12) + "@10.0.0.3/shop",
        "mysql://localhost:3306/shop",
        ("mysql", "mariadb"),
    ),
    SecretRule(
        "mongodb-url",
        "MongoDB",
        _with_password(r"mongodb(?:\+srv)?"),
        "mongodb+srv://svc:" + alnum(16) + "@cluster0.abcde.mongodb.net/app",
        "mongodb://<user>:<password>@cluster0.abcde.mongodb.net/app",
        ("mongodb",),
    ),
    SecretRule(
        "redis-url",
        "Redis",
        _with_password(r"rediss?|valkeys?"),
        "redis://:" + alnum(20) + "@cache.internal:6379/0",
        "redis://cache.internal:6379/0",
        ("redis", "valkey"),
    ),
    SecretRule(
        "amqp-url",
        "RabbitMQ",
        _with_password(r"amqps?|pyamqp"),
        "amqp://worker:" + alnum(13) + "@mq.internal:5672//",
        "amqp://worker:${AMQP_PASSWORD}@mq.internal:5672//",
        ("amqp",),
    ),
    SecretRule(
        "sql-server-url",
        "SQL Server",
        _with_password(
            r"mssql(?:\+[a-z0-9]+)?|sqlserver|oracle(?:\+[a-z0-9_]+)?|snowflake|clickhouse(?:s|\+[a-z]+)?"
        ),
        "mssql+pyodbc://sa:" + alnum(12) + "@sql01/erp",
        "mssql+pyodbc://sql01/erp",
        ("mssql", "sqlserver", "oracle", "snowflake", "clickhouse"),
    ),
    SecretRule(
        "cloudinary-url",
        "Cloudinary",
        _with_password(r"cloudinary"),
        "cloudinary://" + "874837483274837:" + alnum(27) + "@demo",
        "cloudinary://demo",
        ("cloudinary",),
    ),
    SecretRule(
        "url-credentials",
        "An address with a log-in",
        _with_password(r"[a-z][a-z0-9+.\-]{1,20}"),
        "https://deploy:" + alnum(11) + "@git.internal/shop.git",
        "https://deploy@git.internal/shop.git",
        ("://",),
    ),
)
