"""Look into an upload, in a process of limited memory and time: `python -m rhapsode.server.decode`.

A picture becomes a PNG, a sound a WAV, which is all that the rest of the server reads of them: what else was in the
file, such as the place where a photograph was taken, is gone.
"""

import hashlib
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.errors import AudioError, PortraitError, RhapsodeError, StyleError
from rhapsode.files import atomic_path
from rhapsode.server.child import claim_output, limit, received, send
from rhapsode.server.faults import told
from rhapsode.server.heard_warnings import heard_warnings

_MOST_RATE = 48_000


def picture(source: Path, target: Path, most: dict[str, Any]) -> dict[str, Any]:
    """Read a picture, write it as PNG, and find its faces.

    Args:
        source: the upload.
        target: PNG to write, at most 1080p, upright, sRGB.
        most: `pixels` of the upload, and the `model`.

    Raises:
        PortraitError: no picture, too large, no face, or one that is too small.
    """
    from rhapsode.media.picture import read_picture

    read = read_picture(source)
    if read.own_size[0] * read.own_size[1] > most["pixels"]:
        raise PortraitError(
            f"{source}: the picture has more than {most['pixels'] / 1e6:.0f} million pixels",
            "scale it down first",
            "picture-too-large",
        )
    # What is no picture is refused before anything else is loaded.
    import cv2

    from rhapsode.animator import Animator

    with atomic_path(target) as partial:
        partial.write_bytes(cv2.imencode(".png", read.image[:, :, ::-1])[1].tobytes())
    try:
        portrait = Animator.from_pretrained(most["model"], threads=1).load_portrait(target)
    except RhapsodeError:
        target.unlink()
        raise
    height, width = read.image.shape[:2]
    faces = []
    for face in portrait.choice.faces:
        (left, top), (right, bottom) = face.mesh[:, :2].min(0), face.mesh[:, :2].max(0)
        box = [round(float(side), 1) for side in (left, top, right, bottom)]
        faces.append({"box": box, "eye_distance": round(float(face.eye_distance), 1)})
    data = target.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return {"width": width, "height": height, "bytes": len(data), "sha256": digest, "faces": faces}


def sound(source: Path, target: Path, most: dict[str, Any]) -> dict[str, Any]:
    """Read a sound, and write the track that was asked for, or whose voice would be found, as WAV.

    Args:
        source: the upload.
        target: WAV to write: 16 bits, one or two channels, at most 48 kHz.
        most: `seconds` of sound, and `track`, from 1, or None.

    Raises:
        AudioError: no sound, or a longer one.
        OptionsError: no such track.
    """
    from rhapsode.media.sound import opened_sound, sound_blocks
    from rhapsode.media.tracks import sound_info
    from rhapsode.media.waveform import Waveform

    opened = opened_sound(source)
    assert not isinstance(opened, Waveform)
    from rhapsode.audio.find_voice import find_voice

    track = find_voice(opened, most["track"], None).track
    info = sound_info(opened, track)
    rate, channels, count = min(info.rate, _MOST_RATE), min(info.channels, 2), 0
    with atomic_path(target) as partial, wave.open(str(partial), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        for block in sound_blocks(opened, rate, channels, track):
            count += block.shape[1]
            if count > most["seconds"] * rate:
                raise AudioError(
                    f"{source}: the sound is longer than {most['seconds']:g} s", "send a shorter one", "sound-too-long"
                )
            file.writeframes(np.rint(block.T.clip(-1, 1) * 32767).astype("<i2").tobytes())
    if not count:
        target.unlink()
        raise AudioError(f"{source}: the audio track is empty", "choose a file that holds sound", "no-sound")
    return {"seconds": round(count / rate, 3)}


def speech(source: Path, target: Path, most: dict[str, Any]) -> dict[str, Any]:
    """Speak a text, and write it as WAV; `source` holds the text, `most` the `voice` and the `seconds`."""
    from rhapsode.media.synthesis import synthesise

    spoken = synthesise(source.read_text(encoding="utf-8"), most["voice"])
    if spoken.seconds > most["seconds"]:
        raise AudioError(
            f"the text takes longer than {most['seconds']:g} s to speak", "send a shorter one", "sound-too-long"
        )
    with atomic_path(target) as partial, wave.open(str(partial), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(spoken.rate)
        file.writeframes(np.rint(spoken.samples.clip(-1, 1) * 32767).astype("<i2").tobytes())
    return {"seconds": round(spoken.seconds, 3)}


def clip(source: Path, target: Path, most: dict[str, Any]) -> dict[str, Any]:
    """Look at a clip that a style is to be learnt from, and keep it as it is; a worker decodes it.

    Args:
        source: the upload.
        target: its place.
        most: `seconds` and `pixels`.

    Raises:
        StyleError: no video, a longer or larger one.
        AudioError: it has no sound.
    """
    from rhapsode.media.reader import is_video, probe

    if not is_video(source):
        raise StyleError(f"{source}: is no video", "send a clip of one person who speaks", "no-video")
    info = probe(source)
    if not info.has_audio:
        raise AudioError(f"{source}: has no sound", "send a clip with the voice in it", "no-sound")
    if info.seconds > most["seconds"]:
        raise StyleError(f"{source}: is longer than {most['seconds']:g} s", "cut it", "clip-too-long")
    if info.width * info.height > most["pixels"]:
        raise StyleError(
            f"{source}: its pictures have more than {most['pixels'] / 1e6:.0f} million pixels",
            "scale it down first",
            "picture-too-large",
        )
    source.replace(target)
    return {"seconds": round(info.seconds, 3)}


def style(source: Path, target: Path, most: dict[str, Any]) -> dict[str, Any]:
    """Check a style file, and keep it in the library whose folder is `target`, under the name in `most`."""
    from rhapsode.bundle import Bundle
    from rhapsode.style.library import StyleLibrary
    from rhapsode.style.style import Style

    read, bundle = Style.load(source), Bundle.load(most["model"])
    from rhapsode.motion.model import SpeechModel

    read.check_fits(SpeechModel.load(bundle).generator)
    kept = StyleLibrary(target, bundle.styles).import_(source, most["name"], most["overwrite"])
    return {"name": StyleLibrary(target, bundle.styles).entry(kept.stem).name}


KINDS: dict[str, Callable[[Path, Path, dict[str, Any]], dict[str, Any]]] = {
    "picture": picture, "sound": sound, "speech": speech, "clip": clip, "style": style
}  # fmt: skip


def main() -> None:
    """Do what the one message asks for, and send what was found."""
    output = claim_output()
    asked = next(received())
    limit(asked["memory"], asked["seconds"])
    source, target = Path(asked["source"]), Path(asked["target"])
    words = {source: "the upload", target: "your styles" if asked["kind"] == "style" else "the upload"}
    with heard_warnings(words) as warnings:
        try:
            found = KINDS[asked["kind"]](source, target, asked["most"])
            answer: dict[str, Any] = {"found": found, "warnings": warnings}
        except RhapsodeError as error:
            answer = {"error": told(error, words)}
        except MemoryError:
            answer = {
                "error": {
                    "code": "too-much",
                    "message": "the upload takes too much memory",
                    "remedy": "send a smaller one",
                }
            }
    send(output, answer)


if __name__ == "__main__":
    main()
