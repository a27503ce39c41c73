"""The settings of the emulator."""

from dataclasses import dataclass, field
from pathlib import Path

from tests.support.redshift_emulator.estate import Estate


@dataclass(frozen=True)
class Settings:
    """The settings: the PostgreSQL behind the emulator, the S3 that COPY reads, and the options of tests."""

    postgres_port: int
    postgres_password: str = field(repr=False)
    postgres_superuser: str = "rsadmin"
    database: str = "dev"
    client_password: str | None = field(default=None, repr=False)  # None: no password
    s3_endpoint: str | None = None
    s3_access_key: str | None = None  # the only key that COPY accepts; None: any
    s3_secret_key: str | None = field(default=None, repr=False)
    isolation: str = "snapshot"
    faults: Path | None = None
    estate: Estate = field(default_factory=lambda: Estate(None))
    log: Path | None = None
