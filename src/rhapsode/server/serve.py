"""Run the server until it is asked to end."""

import logging
import os
import sys
import tempfile

import uvicorn

from rhapsode.server.app import create_app
from rhapsode.server.settings import Settings
from rhapsode.server.storage import FACES, INCOMING

#: Seconds that answers which go on, such as event streams, have when the server is asked to end.
_GOODBYE = 3


def serve(settings: Settings, host: str, port: int, quiet: bool = False) -> None:
    """Answer requests until SIGINT or SIGTERM.

    Args:
        settings: how the server runs.
        host: address to listen on.
        port: 1 to 65535.
        quiet: log warnings alone, not each request.

    Raises:
        InstallationError, OptionsError, WeightsError: as `create_app`.
    """
    log = logging.getLogger("rhapsode.server")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.propagate = False
    log.setLevel(logging.WARNING if quiet else logging.INFO)
    app = create_app(settings)
    # What would go to the folders of the user or the system goes to that of the server, for its workers too.
    os.environ["RHAPSODE_CACHE"] = str(settings.folder.absolute() / FACES)
    os.environ["TMPDIR"] = str(settings.folder.absolute() / INCOMING)
    tempfile.tempdir = None
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        server_header=False,
        limit_concurrency=settings.limits.connections,
        timeout_graceful_shutdown=_GOODBYE,
        ws_max_size=settings.limits.message_bytes,
        ws_per_message_deflate=False,  # pictures are compressed already
    )
    if not quiet:
        print(f"http://{host}:{port} is up; the API is described in /openapi.json", file=sys.stderr)
    uvicorn.Server(config).run()
