"""The database: SQLite in a file, or PostgreSQL by its URL, through the same code."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.orm import Session

from rhapsode.errors import InstallationError, OptionsError
from rhapsode.server.tables import Base

#: Seconds that a writer of SQLite waits for another.
_PATIENCE = 30


class Database:
    """Transactions on the tables of `tables`."""

    def __init__(self, url: str) -> None:
        """Connect, and make the tables where they are missing.

        Args:
            url: as SQLAlchemy has it: "sqlite:////var/lib/rhapsode/server.sqlite3", "postgresql://user@host/name".

        Raises:
            InstallationError: psycopg, which speaks to PostgreSQL, is not installed.
            OptionsError: no such database, or it cannot be reached.
        """
        self.engine = _engine(url)
        try:
            Base.metadata.create_all(self.engine)
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            shown = self.engine.url.render_as_string(hide_password=True)
            raise OptionsError(
                f"{shown}: the database cannot be used ({reason})",
                "check that it runs, its name and password",
                "database",
            ) from None

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Give a transaction that is kept when the block ends without an error."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a transaction that only reads, beside which others write."""
        with Session(self.engine.execution_options(only_reads=True), expire_on_commit=False) as session:
            yield session

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() == "sqlite":
            engine = create_engine(parsed, connect_args={"timeout": _PATIENCE})
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        return create_engine(parsed, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise InstallationError(
            f"PostgreSQL needs {error.name}, which is not installed", "pip install 'rhapsode[postgres]'", "no-postgres"
        ) from None
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise OptionsError(
            "the database: its URL is not understood", "write sqlite:///FILE or postgresql://USER@HOST/NAME", "database"
        ) from None


def _prepare_sqlite(connection: sqlite3.Connection, record: Any) -> None:
    """Keep a log beside the file, so that readers and a writer do not wait for each other, and nothing is torn."""
    connection.isolation_level = None  # transactions are begun below, not when the first change comes
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def _begin_sqlite(connection: Any) -> None:
    """Take the right to write at once: a transaction that reads first could not get it later beside another."""
    only_reads = connection.get_execution_options().get("only_reads", False)
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")
