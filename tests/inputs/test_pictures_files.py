"""Files of pictures, of every kind that people have: read right, or refused in one line.

The code that makes a file is what the row of the page says.
"""

import logging
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms, TiffImagePlugin

from rhapsode.errors import InstallationError, PortraitError
from rhapsode.media.picture import read_picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def swapped_primaries() -> bytes:
    """A profile whose red and green have changed places: what ignores it shows green faces."""
    profile = SRGB.tobytes()
    places = {profile[at : at + 4]: at + 4 for at in range(132, 132 + 12 * profile[131], 12)}
    (first, one), (second, other) = sorted(
        (places[tag], profile[places[tag] : places[tag] + 8]) for tag in (b"rXYZ", b"gXYZ")
    )
    return profile[:first] + other + profile[first + 8 : second] + one + profile[second + 8 :]


def photoshop(picture: Image.Image) -> bytes:
    """A Photoshop document of one flat picture."""
    planes = np.asarray(picture).transpose(2, 0, 1).tobytes()
    head = struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, picture.height, picture.width, 8, 3)
    return head + struct.pack(">IIIH", 0, 0, 0, 0) + planes


def png_of(width: int, height: int) -> bytes:
    """A PNG that promises a size and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    return found


def half(path: str) -> None:
    """Cut a file short."""
    content = Path(path).read_bytes()
    Path(path).write_bytes(content[: len(content) // 2])


def case(what: str, file: str, made: str, happens: str, *more: Any) -> Any:
    """A row of the page; the test runs what it says."""
    return pytest.param(
        file, made, *more, marks=pytest.mark.case("Pictures", what, made=made, happens=happens), id=what
    )


@pytest.fixture
def face(astronaut: np.ndarray) -> Image.Image:
    return Image.fromarray(astronaut[:256, 96:352])


@pytest.fixture
def make(face: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the code of a row in an empty folder."""
    monkeypatch.chdir(tmp_path)
    known = {
        "face": face, "array": np.asarray(face), "Image": Image, "np": np, "cv2": cv2, "Path": Path, "exif": exif, "half": half,
        "sideways": face.transpose(Image.Transpose.ROTATE_90), "pillow_heif": pillow_heif, "srgb": SRGB,
        "swapped_primaries": swapped_primaries, "photoshop": photoshop, "png_of": png_of, "lab": ImageCms.createProfile("LAB"),
        "ImageCms": ImageCms, "TiffImagePlugin": TiffImagePlugin,
    }  # fmt: skip

    def run(file: str, made: str) -> Path:
        exec(made, known)
        return Path(file)

    return run


READ = [
    case("Grey, 16 bits, PNG", "face.png", "Image.fromarray(np.array(face.convert('L')).astype(np.uint16) * 257).save('face.png')", "works", 1, "L"),
    case("RGB, 16 bits, PNG", "face.png", "cv2.imwrite('face.png', array[..., ::-1].astype(np.uint16) * 257)", "works", 1),
    case("RGB, 16 bits, TIFF", "face.tif", "cv2.imwrite('face.tif', array[..., ::-1].astype(np.uint16) * 257)", "works", 1),
    case("Grey, 32-bit floats, TIFF", "face.tif", "Image.fromarray(np.array(face.convert('L')).astype(np.float32) / 255).save('face.tif')", "works", 1, "L"),
    case("Palette", "face.png", "face.quantize(256).save('face.png')", "works", 4),
    case("Grey with alpha", "face.png", "face.convert('LA').save('face.png')", "works", 1, "L"),
    case("Alpha", "face.png", "clear = face.copy(); clear.putalpha(255); clear.save('face.png')", "works; transparent parts are white", 1),
    case("One bit, TIFF as faxes have it", "face.tif", "face.convert('1').save('face.tif', compression='group4')", "works", 0, "1"),
    case("CMYK, JPEG with Adobe's marker", "face.jpg", "face.convert('CMYK').save('face.jpg', quality=95)", "works", 3),
    case("CMYK, TIFF", "face.tif", "face.convert('CMYK').save('face.tif')", "works", 2),
    case("Lab, TIFF without a profile", "face.tif", "ImageCms.profileToProfile(face, srgb, lab, outputMode='LAB').save('face.tif')", "works", 2),
    case("A profile of other colours", "face.png", "Image.fromarray(array[..., [1, 0, 2]]).save('face.png', icc_profile=swapped_primaries())", "works: shown in sRGB", 3),
    case("A profile for another kind of colour", "face.png", "face.convert('L').save('face.png', icc_profile=srgb.tobytes())", "works: the profile is left out", 1, "L"),
    case("A damaged profile", "face.jpg", "face.save('face.jpg', icc_profile=b'x' * 200, quality=95)", "works: the profile is left out", 3),
    case("Progressive JPEG", "face.jpg", "face.save('face.jpg', progressive=True, quality=95)", "works", 3),
    case("Damaged EXIF", "face.jpg", "face.save('face.jpg', exif=b'Exif\\0\\0MM\\0*\\0\\0\\0\\x08' + b'\\xff' * 60, quality=95)", "works: as it is stored", 3),
    case("HEIC", "face.heic", "pillow_heif.from_pillow(face).save('face.heic', quality=95)", "works with the extra `rhapsode[heic]`", 3),
    case("HEIC named .jpg, as phones' share menus do", "face.jpg", "pillow_heif.from_pillow(face).save('face.heic', quality=95); Path('face.heic').rename('face.jpg')", "works: the first bytes tell", 3),
    case("HEIC that lies on its side", "face.heic", "pillow_heif.from_pillow(sideways).save('face.heic', quality=95, exif=exif(6).tobytes())", "works: upright", 3),
    case("AVIF", "face.avif", "face.save('face.avif', quality=95)", "works", 3),
    case("WebP", "face.webp", "face.save('face.webp', quality=95)", "works", 3),
    case("JPEG 2000", "face.jp2", "face.save('face.jp2')", "works", 1),
    case("JPEG named .png", "face.png", "face.save('face.png', format='JPEG', quality=95)", "works: the first bytes tell", 3),
    case("No ending", "face", "face.save('face', format='PNG')", "works", 0),
    case("JPEG with something behind its end", "face.jpg", "face.save('face.jpg', quality=95); Path('face.jpg').write_bytes(Path('face.jpg').read_bytes() + b'junk' * 999)", "works", 3),
    case("Several pictures in one JPEG (MPO)", "face.jpg", "face.save('face.jpg', format='MPO', save_all=True, append_images=[sideways], quality=95)", "works: the first", 3),
    case("Icons of several sizes", "face.ico", "face.save('face.ico', sizes=[(32, 32), (256, 256)])", "works: the largest", 1),
    case("Photoshop document", "face.psd", "Path('face.psd').write_bytes(photoshop(face))", "works: as it was saved", 0),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize(("file", "made", "within", "mode"), [
    pytest.param(*(*row.values, "RGB")[:4], marks=row.marks, id=row.id) for row in READ
])  # fmt: skip
def test_read_as_it_is(make: Any, face: Image.Image, file: str, made: str, within: float, mode: str) -> None:
    picture = read_picture(make(file, made))
    assert picture.own_size == face.size and picture.image.shape == (256, 256, 3)
    wanted = np.asarray(face.convert("RGB").convert(mode).convert("RGB")).astype(int)
    assert np.abs(picture.image - wanted).mean() <= within


FIRST = [
    case("Animated GIF", "face.gif", "face.save('face.gif', save_all=True, append_images=[sideways])", "the first picture, with a word", 4, "an animation"),
    case("Animated WebP", "face.webp", "face.save('face.webp', save_all=True, append_images=[sideways], quality=95)", "the first picture, with a word", 4, "an animation"),
    case("Animated PNG", "face.png", "face.save('face.png', save_all=True, append_images=[sideways])", "the first picture, with a word", 0, "an animation"),
    case("TIFF of several pages", "face.tif", "face.save('face.tif', save_all=True, append_images=[sideways])", "the first page, with a word", 0, "2 pages"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "made", "within", "word"), FIRST)
def test_the_first_of_several_with_a_word(
    make: Any, face: Image.Image, file: str, made: str, within: float, word: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        picture = read_picture(make(file, made))
    assert word in caplog.text and "first picture" in caplog.text
    assert np.abs(picture.image - np.asarray(face.convert("RGB")).astype(int)).mean() <= within


REFUSED = [
    case("A PDF", "face.pdf", "face.save('face.pdf')", "refused", "PDF"),
    case("An SVG drawing named .png", "face.png", "Path('face.png').write_text('<svg xmlns=\"http://www.w3.org/2000/svg\"/>')", "refused", "SVG"),
    case("PostScript, which would run a program", "face.eps", "face.save('face.eps')", "refused", "PostScript"),
    case("A camera's raw data, Adobe's DNG", "face.dng", "tags = TiffImagePlugin.ImageFileDirectory_v2(); tags[50706] = b'\\1\\4\\0\\0'; tags.tagtype[50706] = 1; face.save('face.dng', format='TIFF', tiffinfo=tags)", "refused, not its thumbnail taken", "raw"),
    case("A camera's raw data, Canon's CR2", "face.cr2", "Path('face.cr2').write_bytes(b'II*\\0\\x10\\0\\0\\0CR\\2\\0' + bytes(99))", "refused", "raw"),
    case("A camera's raw data, Canon's CR3", "face.cr3", "Path('face.cr3').write_bytes(b'\\0\\0\\0\\x18ftypcrx \\0\\0\\0\\1crx isom' + bytes(99))", "refused", "raw"),
    case("JPEG XL", "face.jxl", "Path('face.jxl').write_bytes(b'\\xff\\x0a' + bytes(99))", "refused", "JPEG XL"),
    case("Text named .png", "face.png", "Path('face.png').write_text('Gar kein Bild, schöne Grüße')", "refused", "text"),
    case("A web page saved as a picture", "face.jpg", "Path('face.jpg').write_text('<!DOCTYPE html><html>404</html>')", "refused", "web page"),
    case("An archive", "face.jpg", "Path('face.jpg').write_bytes(b'PK\\3\\4' + bytes(99))", "refused", "archive"),
    case("Random bytes", "face.jpg", "Path('face.jpg').write_bytes(np.random.default_rng(0).bytes(5000))", "refused", "not a picture"),
    case("An empty file", "face.png", "Path('face.png').touch()", "refused", "empty"),
    case("A folder", "face", "Path('face').mkdir()", "refused", "folder"),
    case("A file that is not there", "face.png", "pass", "refused", "no such file"),
    case("One pixel", "face.png", "Image.new('RGB', (1, 1)).save('face.png')", "refused", "too small"),
    case("20 000 pixels wide, 32 high", "face.png", "Image.new('RGB', (20_000, 32)).save('face.png')", "refused", "too long and narrow"),
    case("40 pixels wide, 9000 high", "face.png", "Image.new('RGB', (40, 9_000)).save('face.png')", "refused", "too long and narrow"),
    case("A decompression bomb", "face.png", "Path('face.png').write_bytes(png_of(100_000, 100_000))", "refused unread", "201 million pixels"),
    case("A comment of 9 MB in a PNG of 10 kB", "face.png", "from PIL.PngImagePlugin import PngInfo; info = PngInfo(); info.add_text('Comment', 'x' * 9_000_000, zip=True); face.save('face.png', pnginfo=info)", "refused unread", "anew"),
    case("JPEG cut short", "face.jpg", "face.save('face.jpg'); half('face.jpg')", "refused", "anew"),
    case("Progressive JPEG cut short", "face.jpg", "face.save('face.jpg', progressive=True); half('face.jpg')", "refused", "anew"),
    case("PNG with a bit flipped", "face.png", "face.save('face.png'); content = bytearray(Path('face.png').read_bytes()); content[40_000] ^= 255; Path('face.png').write_bytes(content)", "refused", "anew"),
    case("GIF cut short", "face.gif", "face.save('face.gif'); half('face.gif')", "refused", "anew"),
    case("WebP cut short", "face.webp", "face.save('face.webp'); half('face.webp')", "refused", "anew"),
    case("HEIC cut short", "face.heic", "pillow_heif.from_pillow(face).save('face.heic'); half('face.heic')", "refused", "anew"),
    case("AVIF cut short", "face.avif", "face.save('face.avif'); half('face.avif')", "refused", "damaged"),
    case("RGB, 32-bit floats, TIFF", "face.tif", "cv2.imwrite('face.tif', array[..., ::-1].astype(np.float32) / 255)", "refused", "unusual kind"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "made", "word"), REFUSED)
def test_refused_in_one_line(make: Any, file: str, made: str, word: str) -> None:
    with pytest.raises(PortraitError) as caught:
        read_picture(make(file, made))
    told = str(caught.value)
    assert word in told and told.startswith(f"{file}: ") and "\n" not in told
    assert caught.value.remedy and caught.value.code


@pytest.mark.case(
    "Pictures", "HEIC without the extra", made="pip uninstall pillow-heif", happens="refused: names the extra"
)
def test_heic_without_the_extra_names_it(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make("face.heic", "pillow_heif.from_pillow(face).save('face.heic')")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(InstallationError, match=r"HEIC.*pip install 'rhapsode\[heic\]'"):
        read_picture(path)


@pytest.mark.case("Pictures", "200 megapixels, as phones make them", made="Image.new('L', (16_320, 12_240), 90).save('face.jpg')", happens="works")  # fmt: skip
@pytest.mark.case("Pictures", "More than 201 megapixels", made="png_of(14_200, 14_200)", happens="refused unread")
def test_pictures_of_a_telephone_and_larger_ones(make: Any) -> None:
    picture = read_picture(make("face.jpg", "Image.new('L', (16_320, 12_240), 90).save('face.jpg')"), 64)
    assert picture.own_size == (16_320, 12_240) and picture.image.shape == (48, 64, 3)
    with pytest.raises(PortraitError, match="201 million pixels"):
        read_picture(make("wall.png", "Path('wall.png').write_bytes(png_of(14_200, 14_200))"))


@pytest.mark.case(
    "Pictures", "All orientations of EXIF", made="face.save('face.jpg', exif=exif(6))", happens="works: upright"
)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_in_the_file_is_told_as_viewers_show_it(make: Any, orientation: int) -> None:
    made = f"image = Image.new('L', (128, 64), 0); image.paste(255, (0, 0, 64, 32)); image.save('face.jpg', exif=exif({orientation}))"
    picture = read_picture(make("face.jpg", made), 256)
    assert picture.own_size == ((128, 64) if orientation < 5 else (64, 128))
    assert np.allclose(picture.scale, 2)
    # Where the stored upper left quarter, which is white, is seen.
    height, width = picture.image.shape[:2]
    quarters = {(0, 0): (1, 5), (0, 1): (2, 6), (1, 1): (3, 7), (1, 0): (4, 8)}
    for (row, column), here in quarters.items():
        part = picture.image[row * height // 2 + 8 :, column * width // 2 + 8 :][: height // 2 - 16, : width // 2 - 16]
        assert (part.mean() > 200) == (orientation in here)
