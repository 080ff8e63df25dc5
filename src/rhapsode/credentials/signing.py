"""Content Credentials (C2PA): what a file says of itself, signed, so that a later change of either is seen."""

import io
import json
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rhapsode.errors import InstallationError, VideoError
from rhapsode.files import hidden_beside
from rhapsode.media.encoder import DIGITAL_SOURCE, SYNTHETIC_NOTICE
from rhapsode.media.faults import explain_disk

if TYPE_CHECKING:
    from rhapsode.credentials.keys import SigningKey

#: Name of what is said of the inputs; C2PA leaves the names of such assertions to the program that makes them.
INPUTS = "rhapsode.inputs"
#: Nothing is asked of the network: no lists of revoked certificates, no manifests that stand elsewhere. What is larger
#: than 16 MB goes through a temporary file, not through memory.
OFFLINE: dict[str, dict[str, Any]] = {
    "verify": {"ocsp_fetch": False, "remote_manifest_fetch": False},
    "builder": {"thumbnail": {"enabled": False}},
    "core": {"backing_store_memory_threshold_in_mb": 16},
}
#: Hash by the megabyte, where memory would hold up to 256 at a time; the library does so wrongly for fragments.
_BY_PIECES = {"core": OFFLINE["core"] | {"merkle_tree_chunk_size_in_kb": 1024}}
_TYPES = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".gif": "image/gif"}


def load_c2pa() -> Any:
    """Import the library that signs and validates.

    Raises:
        InstallationError: it is not installed, or not for this system.
    """
    try:
        import c2pa
        import cryptography  # noqa: F401
    except (ImportError, OSError, RuntimeError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise InstallationError(
            f"Content Credentials need c2pa-python, which does not load ({reason})",
            "pip install c2pa-python",
            "no-c2pa",
        ) from None
    return c2pa


def manifest(title: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Say what a file is and what it was made of, in the form of C2PA.

    Args:
        title: name of the file.
        inputs: what it was made of.
    """
    maker = {"name": "Rhapsode", "version": version("rhapsode")}
    created = {
        "action": "c2pa.created",
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "softwareAgent": maker,
        "digitalSourceType": DIGITAL_SOURCE,
        "description": SYNTHETIC_NOTICE,
    }
    return {
        "title": title,
        "claim_generator_info": [maker],
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [created]}},
            {"label": INPUTS, "data": inputs},
        ],
    }


def sign(path: Path, title: str, inputs: dict[str, Any], key: "SigningKey") -> None:
    """Put signed Content Credentials into a file; it is replaced when it is whole.

    Args:
        path: an MP4, QuickTime or GIF file.
        title: its name, once it has it.
        inputs: see `manifest`.
        key: to sign with.

    Raises:
        InstallationError: the library is missing.
        VideoError: the disk is full, or the key or its certificates are refused.
    """
    c2pa = load_c2pa()
    part = hidden_beside(path, ".signed")
    try:
        with path.open("rb") as source, _Whole(part, "w+") as signed:
            try:
                signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(key.algorithm, key.certificates, key.key, None))
                options = OFFLINE if _is_fragmented(path) else OFFLINE | _BY_PIECES
                settings = c2pa.Context(c2pa.Settings.from_dict(options))
                with c2pa.Builder(_json(manifest(title, inputs)), settings) as builder:
                    builder.sign(signer, _TYPES[path.suffix.lower()], source, signed)
            except c2pa.C2paError as error:
                if signed.error is not None:
                    raise explain_disk(signed.error, title, str(path.parent)) from error
                reason = str(error).splitlines()[0]
                raise VideoError(
                    f"{title}: cannot be signed ({reason})", "check the key and its certificates", "not-signed"
                ) from error
        part.replace(path)
    except OSError as error:
        raise explain_disk(error, title, str(path.parent)) from error
    finally:
        part.unlink(missing_ok=True)


def _is_fragmented(path: Path) -> bool:
    """Tell whether an MP4 file has fragments, boxes of the kind `moof`."""
    with path.open("rb") as file:
        place = 0
        while len(head := file.read(16)) == 16:
            if head[4:8] == b"moof":
                return True
            size = int.from_bytes(head[:4], "big")
            place += int.from_bytes(head[8:], "big") if size == 1 else max(size, 8)
            file.seek(place)
    return False


def _json(value: dict[str, Any]) -> str:
    """Write JSON; bytes of a name that are no UTF-8 become question marks."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()


class _Whole(io.FileIO):
    """A file that takes everything or fails, and remembers why: the library looks at neither."""

    error: OSError | None = None

    def write(self, data: Any, /) -> int:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[super().write(rest) or 0 :]
        except OSError as error:
            self.error = error
            raise
        return len(data)
