"""`rhapsode serve`: portraits, styles and videos over HTTP."""

import ipaddress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rhapsode.cli.errors import UsageError
from rhapsode.cli.fields import Flag, Model, Plain, at_least, number_of, option
from rhapsode.errors import InstallationError, OptionsError
from rhapsode.places import user_folder

if TYPE_CHECKING:
    from rhapsode.server.settings import Limits


@dataclass(frozen=True)
class Bounds:
    """How much the server takes."""

    max_upload: Annotated[int, at_least(1), option("MB")] = 200
    """Largest upload, in MB."""
    max_seconds: Annotated[int, at_least(1), option("S")] = 600
    """Longest voice, in seconds."""
    max_pixels: Annotated[int, at_least(1), option("MP")] = 50
    """Largest picture, in millions of pixels."""
    max_queue: Annotated[int, at_least(1)] = 1000
    """Jobs that wait or run, of everybody; a tenth of them of one token."""
    max_live: Annotated[int, at_least(0)] = 2
    """Live sessions at once."""
    quota: Annotated[int, at_least(1), option("MB")] = 2000
    """Disk that the files of one token may take, in MB."""

    def limits(self) -> "Limits":
        """Give them as the server takes them."""
        from rhapsode.server.settings import Limits

        return Limits(
            upload_bytes=self.max_upload * 1_000_000,
            sound_seconds=self.max_seconds,
            picture_pixels=self.max_pixels * 1_000_000,
            queued=self.max_queue,
            queued_each=max(1, self.max_queue // 10),
            live=self.max_live,
            quota_bytes=self.quota * 1_000_000,
        )


@dataclass(frozen=True, kw_only=True)
class Serve:
    """It listens on this machine alone, unless --host names another address; then each user needs a token."""

    host: Annotated[str, option("ADDRESS")] = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for every one of this machine."""
    port: Annotated[int, at_least(1), option("PORT")] = 8000
    """Port to listen on."""
    data: Annotated[Path | None, option("FOLDER", "server in your data folder")] = None
    """Folder of portraits, styles, results and the database."""
    database: Annotated[str, option("URL", "SQLite in --data")] = ""
    """Database, such as postgresql://user:password@host/name."""
    token_file: Annotated[Path | None, option("FILE", "none")] = None
    """Who may use it: a line NAME:TOKEN each; RHAPSODE_TOKEN in the environment adds one."""
    workers: number_of("half of the processor cores") = None  # type: ignore[valid-type]
    """Processes that make videos."""
    keep: Annotated[float, option("DAYS")] = 7.0
    """Days that results are kept, and portraits after their last use."""
    allow_unsigned: Flag = False
    """Let a request ask for a video without Content Credentials, or in WebM, which cannot hold them."""
    model: Model = "default"
    """A model folder, or default: the model that comes with the package."""
    bounds: Annotated[Bounds, option(name="")] = field(default_factory=Bounds)
    quiet: Flag = False
    """Log warnings and errors alone."""
    output: Annotated[Plain, option(name="")] = field(default_factory=Plain)

    def run(self) -> None:
        """Serve until Ctrl-C."""
        if self.port > 65_535:
            raise UsageError("--port: the highest is 65535")
        if not self.keep > 0:
            raise UsageError("--keep: choose more than 0 days")
        from rhapsode.server.tokens import read_tokens

        tokens = read_tokens(self.token_file)
        if not tokens and not _is_loopback(self.host):
            raise OptionsError(
                f"--host {self.host}: whoever reaches this machine could use the server",
                "name a --token-file, or set RHAPSODE_TOKEN; openssl rand -hex 16 makes a token",
                "no-tokens",
            )
        _check_installed()
        from rhapsode.compute import cpu_count
        from rhapsode.server.serve import serve
        from rhapsode.server.settings import Settings

        workers = self.workers or max(1, cpu_count() // 2)
        settings = Settings(
            folder=self._folder(),
            database=self.database,
            tokens=tokens,
            workers=workers,
            threads=max(1, min(4, cpu_count() // workers)),
            keep_days=self.keep,
            signs=not self.allow_unsigned,
            model=self.model,
            limits=self.bounds.limits(),
        )
        serve(settings, self.host, self.port, self.quiet)

    def _folder(self) -> Path:
        if self.data is not None:
            return self.data
        folder = user_folder("data")
        if folder is None:
            raise OptionsError("there is no home folder to keep files in", "name a folder with --data", "data-folder")
        return folder / "server"


def _check_installed() -> None:
    needed = ("fastapi", "python_multipart", "prometheus_client", "sqlalchemy", "uvicorn", "websockets")
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise InstallationError(
            f"rhapsode serve needs {missing[0]}, which is not installed", "pip install 'rhapsode[serve]'", "no-server"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
