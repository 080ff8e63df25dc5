"""`rhapsode studio`: a page in the browser that shows and makes everything."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from rhapsode.cli.fields import Flag, Library, Model, Plain, at_least, option
from rhapsode.errors import InstallationError


@dataclass(frozen=True, kw_only=True)
class Studio:
    """It listens on this machine alone (127.0.0.1), until Ctrl-C. Nothing leaves the machine."""

    port: Annotated[int, at_least(0), option("PORT")] = 7860
    """Port to listen at; 0 for any that is free."""
    browser: Flag = True
    """Do not open the page in the browser."""
    data: Annotated[Path | None, option("FOLDER", "your data folder")] = None
    """Where finished videos are kept."""
    model: Model = "default"
    """A model folder, or default: the model that comes with the package."""
    library: Library = None
    """Folder of your styles."""
    output: Annotated[Plain, option(name="")] = field(default_factory=Plain)

    def run(self) -> None:
        """Serve until interrupted."""
        try:
            import starlette  # noqa: F401
            import uvicorn  # noqa: F401
            import websockets  # noqa: F401
        except ImportError as error:
            raise InstallationError(
                f"rhapsode studio needs {error.name}, which is not installed",
                "pip install 'rhapsode[studio]'",
                "no-studio",
            ) from None
        from rhapsode.studio.serve import serve
        from rhapsode.studio.workspace import Workspace

        work = Workspace(self.data, self.library, self.model)
        serve(
            work,
            self.port,
            self.browser,
            lambda address: print(f"{address}: the studio; end it with Ctrl-C", flush=True),
        )
