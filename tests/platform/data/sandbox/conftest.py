"""The departments' servers."""

from tests.platform.data.sandbox.fixtures import (
    at_departments,
    connect,
    departments,
    ftps_server,
    mariadb,
    postgresql,
    rest_server,
    sftp_server,
)

__all__ = [
    "at_departments",
    "connect",
    "departments",
    "ftps_server",
    "mariadb",
    "postgresql",
    "rest_server",
    "sftp_server",
]
