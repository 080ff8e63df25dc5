"""Voices that the page opens: files, recordings of its microphone, texts that are spoken."""

import textwrap
import wave
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from rhapsode.audio.find_voice import find_voice
from rhapsode.audio.voice_activity import voice_activity
from rhapsode.media.sound import mono_blocks, opened_sound
from rhapsode.media.synthesis import list_voices, synthesise
from rhapsode.media.waveform import SAMPLE_RATE, Waveform
from rhapsode.studio.http import answer, answer_file
from rhapsode.studio.preview import Excerpt
from rhapsode.studio.warnings_heard import Heard, heard_warnings
from rhapsode.studio.workspace import Workspace

#: Seconds from whose beginning two can be tried.
_TRIED = 300
#: Bars that the page draws of a sound.
_BARS = 160


@dataclass(frozen=True)
class Voice:
    """A sound that may drive a face.

    Attributes:
        path: the file.
        seconds: length.
        begins: second at which a voice is first heard.
        bars: the loudest sample of each of `_BARS` equal parts, 0 to 1.
        heard: the first five minutes at most, 16 kHz, as the models hear it before gain control.
        text, language: what was spoken, where it was a text.
        warnings: of whoever looked into it.
    """

    path: Path
    seconds: float
    begins: float
    bars: list[float]
    heard: Waveform
    text: str = ""
    language: str = ""
    warnings: tuple[Heard, ...] = ()
    _excerpts: dict[float, Excerpt] = field(default_factory=dict)

    def excerpt(self, start: float) -> Excerpt:
        """Give two seconds of it, with what is known of their features; the same object for the same start."""
        start = round(min(max(start, 0.0), max(0.0, self.heard.seconds - 0.2)), 1)
        if start not in self._excerpts:
            self._excerpts.clear()
            self._excerpts[start] = Excerpt.of(self.heard, start)
        return self._excerpts[start]


def open_voice(path: Path, text: str = "", language: str = "") -> Voice:
    """Look into a sound.

    Raises:
        AudioError: it cannot be used.
    """
    with heard_warnings() as warnings:
        source = opened_sound(path)
        peaks, heard, count = [], [], 0
        for block in mono_blocks(source, SAMPLE_RATE, find_voice(source)):
            if count < _TRIED * SAMPLE_RATE:
                heard.append(block)
            count += len(block)
            peaks.append(float(np.abs(block).max()))
    whole = Waveform(np.concatenate(heard)[: _TRIED * SAMPLE_RATE], SAMPLE_RATE)
    parts = np.array_split(whole.samples if count <= len(whole.samples) else np.array(peaks, np.float32), _BARS)
    bars = [round(float(np.abs(part).max(initial=0)), 3) for part in parts]
    envelope = voice_activity(whole.samples[: 30 * SAMPLE_RATE])
    voiced = np.flatnonzero(envelope > 0.5)
    begins = max(0.0, voiced[0] / 60 - 0.1) if len(voiced) else 0.0
    return Voice(path, count / SAMPLE_RATE, begins, bars, whole, text, language, tuple(warnings))


def facts(name: str, voice: Voice) -> dict[str, Any]:
    """Tell the page of a voice."""
    return {
        "id": name,
        "name": textwrap.shorten(voice.text, 60, placeholder="…") or voice.path.name,
        "seconds": round(voice.seconds, 2),
        "begins": round(voice.begins, 1),
        "bars": voice.bars,
        "warnings": [
            {"message": one.message.replace(f"{voice.path.parent}/", ""), "code": one.code} for one in voice.warnings
        ],
    }


def speak(folder: Path, text: str, language: str) -> Voice:
    """Speak a text into a WAV file of a folder.

    Raises:
        AudioError: no text, or a language that is not known.
        InstallationError: the extra `text` is not installed.
    """
    spoken = synthesise(text, language or "en")
    path = folder / "spoken.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(spoken.rate)
        file.writeframes((spoken.samples.clip(-1, 1) * 32767).astype("<i2").tobytes())
    return open_voice(path, text, language or "en")


def languages() -> list[str]:
    """List the languages that a text is spoken in; none where the extra `text` is not installed."""
    try:
        return list(list_voices())
    except Exception:  # whatever is missing, the page says that texts are not spoken
        return []


def routes(work: Workspace) -> list[Route]:
    """Give the requests that open voices."""

    def opened(_request: Request, path: Path) -> dict[str, Any]:
        return add(open_voice(path))

    def spoken(_request: Request, values: Mapping[str, Any]) -> dict[str, Any]:
        return add(speak(work.new_folder(), str(values.get("text", "")), str(values.get("language", ""))))

    def add(voice: Voice) -> dict[str, Any]:
        return facts(work.voices.add(voice), voice)

    def play(request: Request, _values: Mapping[str, Any]) -> Response:
        return FileResponse(work.voices[request.path_params["name"]].path)

    return [
        Route("/api/voices", answer_file(work.new_folder, opened), methods=["POST"]),
        Route("/api/voices/spoken", answer(spoken), methods=["POST"]),
        Route("/api/voices/{name}", answer(play), methods=["GET"]),
    ]
