"""Pictures from files: upright, sRGB, of a fitting size, or refused in one line."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from rhapsode.errors import PortraitError
from rhapsode.media.picture import load_picture

RED = (220, 30, 40)


def saved(path: Path, picture: Image.Image, **options: Any) -> Path:
    picture.save(path, **options)
    return path


def is_close(picture: np.ndarray, colour: tuple[int, int, int], within: int = 3) -> bool:
    return bool((np.abs(picture.astype(int) - colour) <= within).all())


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK", "YCbCr"])
def test_colour_modes_keep_their_colour(tmp_path: Path, mode: str) -> None:
    picture = Image.new("RGB", (64, 48), RED)
    changed = picture.quantize(16) if mode == "P" else picture.convert(mode)
    suffix = {"CMYK": "tif", "YCbCr": "jpg"}.get(mode, "png")
    loaded = load_picture(saved(tmp_path / f"face.{suffix}", changed))
    assert loaded.shape == (48, 64, 3)
    assert loaded.dtype == np.uint8
    assert is_close(loaded, RED)


def test_lab_with_its_profile_keeps_its_colour(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    srgb = ImageCms.createProfile("sRGB")
    lab = ImageCms.profileToProfile(Image.new("RGB", (64, 48), RED), srgb, profile, outputMode="LAB")
    assert lab is not None
    path = saved(tmp_path / "face.tif", lab, icc_profile=profile.tobytes())
    assert is_close(load_picture(path), RED)


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_grey_modes_become_rgb(tmp_path: Path, mode: str) -> None:
    loaded = load_picture(saved(tmp_path / "face.png", Image.new("L", (40, 40), 255).convert(mode)))
    assert loaded.shape == (40, 40, 3)
    assert is_close(loaded, (255, 255, 255), 0)


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    loaded = load_picture(saved(tmp_path / "face.png", Image.fromarray(ramp)))
    assert np.abs(loaded[..., 0] - ramp / 257).max() <= 1


def test_transparent_parts_are_white(tmp_path: Path) -> None:
    cut_out = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    cut_out.paste((*RED, 255), (16, 16, 48, 48))
    loaded = load_picture(saved(tmp_path / "face.png", cut_out))
    assert is_close(loaded[:10], (255, 255, 255), 0)
    assert is_close(loaded[20:40, 20:40], RED, 0)


def test_transparent_palette_is_white(tmp_path: Path) -> None:
    drawing = Image.new("P", (64, 64), 0)
    drawing.putpalette([0, 0, 0, *RED] + [0] * 750)
    drawing.paste(1, (16, 16, 48, 48))
    loaded = load_picture(saved(tmp_path / "face.gif", drawing, transparency=0))
    assert is_close(loaded[:10], (255, 255, 255), 0)
    assert is_close(loaded[20:40, 20:40], RED, 0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    upright = np.zeros((40, 64, 3), np.uint8)
    upright[:20, :32] = 255  # a white quarter at the upper left
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = Image.fromarray(upright)
    if orientation in undo:
        stored = stored.transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    loaded = load_picture(saved(tmp_path / "face.png", stored, exif=exif))
    assert np.array_equal(loaded, upright)


def test_the_profile_of_srgb_changes_nothing(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = saved(tmp_path / "face.png", Image.new("RGB", (64, 64), RED), icc_profile=profile)
    assert is_close(load_picture(path), RED, 1)


def test_a_broken_profile_is_ignored(tmp_path: Path) -> None:
    path = saved(tmp_path / "face.png", Image.new("RGB", (64, 64), RED), icc_profile=b"nonsense")
    assert is_close(load_picture(path), RED, 0)


def test_the_first_picture_of_an_animation(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (64, 64), RED), Image.new("RGB", (64, 64), (0, 0, 255))
    path = saved(tmp_path / "face.gif", first, save_all=True, append_images=[second])
    assert is_close(load_picture(path), RED)


@pytest.mark.parametrize(
    ("given", "size", "expected"),
    [
        ((512, 512), None, (512, 512)),
        ((641, 427), None, (641, 427)),
        ((3840, 2160), None, (1920, 1080)),
        ((2160, 3840), None, (1080, 1920)),
        ((2000, 2000), None, (1080, 1080)),
        ((4000, 1000), None, (1920, 480)),
        ((1000, 500), 256, (256, 128)),
        ((100, 200), 400, (200, 400)),
    ],
)
def test_sizes(tmp_path: Path, given: tuple[int, int], size: int | None, expected: tuple[int, int]) -> None:
    path = saved(tmp_path / "face.jpg", Image.new("RGB", given, RED))
    height, width = load_picture(path, size).shape[:2]
    assert (width, height) == expected


def refusal(path: Path) -> str:
    with pytest.raises(PortraitError) as caught:
        load_picture(path)
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    return message


def test_refusals_say_what_to_do(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "missing.jpg")
    assert "folder" in refusal(tmp_path)
    text = tmp_path / "notes.jpg"
    text.write_text("not a picture")
    assert "not a picture" in refusal(text)
    empty = tmp_path / "empty.png"
    empty.touch()
    assert "empty" in refusal(empty)
    assert "too small" in refusal(saved(tmp_path / "icon.png", Image.new("RGB", (16, 16))))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "tif", "bmp"])
def test_a_file_cut_short_is_refused(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8)
    path = saved(tmp_path / f"face.{suffix}", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "anew" in refusal(path) or "not a picture" in refusal(path)


def header_only(path: Path, width: int, height: int) -> Path:
    """A PNG that promises a size and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    return path


@pytest.mark.parametrize(("width", "height"), [(100_000, 100_000), (14_200, 14_200)])
def test_a_picture_of_more_than_201_megapixels_is_refused_unread(tmp_path: Path, width: int, height: int) -> None:
    assert "more than 201 million pixels" in refusal(header_only(tmp_path / "bomb.png", width, height))


def test_a_picture_of_200_megapixels_as_phones_make_them_is_read(tmp_path: Path) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    path = saved(tmp_path / "phone.jpg", Image.new("L", (16_320, 12_240), 90), quality=30)
    picture = load_picture(path, 64)
    assert picture.shape == (48, 64, 3)
    assert is_close(picture, (90, 90, 90))
    assert limit == Image.MAX_IMAGE_PIXELS, "Pillow's own limit is one for the whole process"


def test_a_file_that_would_run_another_program_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "face.eps", Image.new("RGB", (64, 64), RED))
    assert "not a picture" in refusal(path)


def test_large_pictures_are_read_without_a_warning(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    load_picture(saved(tmp_path / "large.jpg", Image.new("L", (10_000, 9_000), 90), quality=30), 64)
    assert not list(recwarn)
