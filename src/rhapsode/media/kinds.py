"""What a file is that is no picture, by its first bytes: its name may say anything."""

from dataclasses import dataclass
from typing import Final

#: Bytes of a file's beginning that tell its kind.
HEAD: Final = 1024
_AS_JPEG: Final = "export it as JPEG or PNG"


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        name: what it is, with its article; empty where nothing is known.
        remedy: what makes a picture of it.
    """

    name: str
    remedy: str = _AS_JPEG


RAW: Final = Kind("a camera's raw data")
_UNKNOWN: Final = Kind("", "choose a JPEG or PNG")
_ANEW: Final = "export or download it anew"
#: By how a file begins.
_BEGINNINGS: Final = {
    b"%PDF": Kind("a PDF document", "export the page as JPEG or PNG"),
    b"%!PS": Kind("PostScript"),
    b"\xc5\xd0\xd3\xc6": Kind("PostScript"),
    b"\xff\xd8\xff": Kind("a damaged JPEG", _ANEW),
    b"\x89PNG": Kind("a damaged PNG", _ANEW),
    b"GIF8": Kind("a damaged GIF", _ANEW),
    b"\xff\x0a": Kind("JPEG XL"),
    b"\0\0\0\x0cJXL ": Kind("JPEG XL"),
    b"II\x2a\0\x10\0\0\0CR": RAW,
    b"IIU\0": RAW,
    b"IIRO": RAW,
    b"IIRS": RAW,
    b"FUJIFILMCCD-RAW": RAW,
    b"FOVb": RAW,
    b"\0MRM": RAW,
    b"II\x2a\0": Kind("a TIFF, damaged or of an unusual kind"),
    b"MM\0\x2a": Kind("a TIFF, damaged or of an unusual kind"),
    b"gimp xcf": Kind("a GIMP drawing"),
    b"8BPS": Kind("a Photoshop document"),
    b"PK\x03\x04": Kind("an archive or a document", "take the picture out of it"),
    b"Rar!": Kind("an archive", "take the picture out of it"),
    b"\x1f\x8b": Kind("an archive", "take the picture out of it"),
    b"7z\xbc\xaf": Kind("an archive", "take the picture out of it"),
    b"ID3": Kind("a sound", "choose a JPEG or PNG"),
    b"fLaC": Kind("a sound", "choose a JPEG or PNG"),
}
_AVIF: Final = Kind("an AVIF, damaged or of an unusual kind")
#: By the brand of a file in the container of MP4.
_BRANDS: Final = {b"crx ": RAW, b"avif": _AVIF, b"avis": _AVIF}
_HEIF_BRANDS: Final = (
    b"heic",
    b"heix",
    b"heim",
    b"heis",
    b"hevc",
    b"hevx",
    b"hevm",
    b"hevs",
    b"mif1",
    b"msf1",
    b"mif2",
)


def is_heif(head: bytes) -> bool:
    """Tell whether a file that begins so is HEIC or its like; AVIF is not."""
    brands = _brands(head)
    return bool(brands) and brands[0] in _HEIF_BRANDS and not {b"avif", b"avis"} & set(brands)


def kind_of(head: bytes) -> Kind:
    """Name the kind of a file of which Pillow knows none.

    Args:
        head: the first `HEAD` bytes.
    """
    for beginning, kind in _BEGINNINGS.items():
        if head.startswith(beginning):
            return kind
    for brand in _brands(head):
        if brand in _BRANDS:
            return _BRANDS[brand]
    return _text(head) or _UNKNOWN


def _brands(head: bytes) -> list[bytes]:
    """The brands of a file in the container of MP4, the major one first; none for other files."""
    if head[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return [head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))]


def _text(head: bytes) -> Kind | None:
    """The kind of a text; None where the bytes are none."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = head.decode("utf-16", "ignore")
    elif b"\0" in head:
        return None
    else:
        try:
            text = head[:-3].decode("utf-8-sig") if len(head) == HEAD else head.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            if error.start < len(head) - 6:
                return None
            text = head[: error.start].decode("utf-8-sig")
    lower = text.lower()
    if "<svg" in lower:
        return Kind("an SVG drawing", "export it as PNG")
    if "<html" in lower or "<!doctype html" in lower:
        return Kind("a web page", "save the picture itself")
    return Kind("text", "choose a JPEG or PNG")
