"""The main path: load a model, load a portrait, animate it or start a session."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.audio.find_voice import find_voice
from rhapsode.audio.mel import MOTION_RATE
from rhapsode.bundle import DEFAULT, Bundle
from rhapsode.compute import default_threads
from rhapsode.credentials.origin import Origin, picture_hash
from rhapsode.errors import OptionsError, StyleError
from rhapsode.face.points import FivePoints
from rhapsode.group import Group
from rhapsode.group_loader import load_group
from rhapsode.media.backdrop import is_file
from rhapsode.media.live import LiveSound
from rhapsode.media.reader import is_video
from rhapsode.media.sound import opened_sound
from rhapsode.media.source import Piped
from rhapsode.media.tracks import Take
from rhapsode.media.waveform import Waveform
from rhapsode.motion.head import HeadModel
from rhapsode.motion.model import SpeechModel
from rhapsode.motion.stream import MotionStream, StyledMotionModel
from rhapsode.motion.timeline import FrameTimeline
from rhapsode.options import AnimationOptions
from rhapsode.paint.networks import PictureNetworks
from rhapsode.paint.onnx_networks import PictureModel
from rhapsode.portrait import Portrait
from rhapsode.portrait_loader import load_portrait
from rhapsode.session import HISTORY, Session
from rhapsode.style.library import StyleLibrary, resolve
from rhapsode.style.motion_model import styled_motion_model
from rhapsode.style.style import Style
from rhapsode.video import Video, Voice


class Animator:
    """Animate portraits. It holds the models; one animator serves any number of portraits, voices and threads.

    Attributes:
        speech: makes motion of sound, live.
        head: moves the head.
        picture: paints mouths.
        threads: number of threads that render the frames of a video.
        bundle: the model's files.
    """

    def __init__(
        self,
        speech: SpeechModel,
        head: HeadModel,
        picture: PictureNetworks,
        threads: int | None = None,
        bundle: Bundle | None = None,
    ) -> None:
        """Take models; `from_pretrained` loads them from a bundle, by default that of the package.

        Raises:
            OptionsError: less than one thread.
        """
        if threads is not None and threads < 1:
            raise OptionsError(f"threads={threads}: not allowed", "choose 1 or more", "bad-threads")
        self.speech = speech
        self.head = head
        self.picture = picture
        self.threads = threads or default_threads()
        self.bundle = bundle or Bundle.load()

    @classmethod
    def from_pretrained(
        cls, model: str | Path = DEFAULT, device: str = "cpu", threads: int | None = None
    ) -> "Animator":
        """Load a model.

        Args:
            model: "default", the model that comes with the package, or a model folder (`bundle.py`).
            device: runs the picture networks, one of `rhapsode.paint.onnx_networks.PROVIDERS`.
            threads: number of threads that render the frames of a video; one a core, at most 4, where None.

        Raises:
            InstallationError: ONNX Runtime was installed without that device.
            OptionsError: less than one thread.
            WeightsError: there is no such model, or a file of it is missing or damaged.
        """
        bundle = Bundle.load(model)
        return cls(
            SpeechModel.load(bundle),
            HeadModel.load(bundle.path("head_motion.safetensors")),
            PictureModel.load(bundle, device),
            threads,
            bundle,
        )

    def load_portrait(
        self,
        picture: str | Path | np.ndarray,
        size: int | None = None,
        face: int | None = None,
        extra_photos: Sequence[str | Path | np.ndarray] = (),
        landmarks: FivePoints | Mapping[str, Any] | str | Path | None = None,
    ) -> Portrait:
        """Find the face in a picture and measure all that rendering needs.

        What is found is kept on disk (`face.cache`), so that the same picture loads faster next time. What does not
        look well is told in the log, each kind with a code (`record.code`).

        Args:
            picture: a file, or (H, W, 3) uint8 RGB; of a video the best frame is taken.
            size: longest side of the frames in pixels, 64 to 4096, for a file; the picture's own, at most 1080p, where
                None.
            face: number of the face, 1 the largest; the largest, with a warning if there are others, where None.
            extra_photos: other photos of the same person; the teeth that they show are used.
            landmarks: places the face where none is found, as in a drawing: five points, or a JSON file of them
                (`rhapsode.face.points`).

        Raises:
            InstallationError: HEIC, and pillow-heif is not installed.
            OptionsError: a size out of range, or landmarks that cannot be those of a face.
            PortraitError: no picture, no face, a face too small or in profile.
        """
        return load_portrait(picture, self.picture, size, face, extra_photos, landmarks)

    def load_group(self, picture: str | Path | np.ndarray, size: int | None = None) -> Group:
        """Find all faces in a picture and measure all that rendering needs.

        What does not look well is told in the log, as by `load_portrait`; so are faces that cannot be animated.

        Args:
            picture: as in `load_portrait`.
            size: likewise.

        Raises:
            InstallationError, OptionsError, PortraitError: as `load_portrait`, where no face can be animated.
        """
        return load_group(picture, self.picture, size)

    def find_style(self, style: Style | str | Path, library: StyleLibrary | None = None) -> Style:
        """Find a style and check that it fits the model.

        Args:
            style: a style; its name, or a mixture such as "ballad*0.6+angry*0.4"; or a style file. Take that of a clip
                by `rhapsode.style_from_clip`.
            library: where names are looked up; the user's styles and those of the model where None.

        Raises:
            StyleError: no such style, one for another generator, or a clip.
        """
        if isinstance(style, Style):
            found = style
        elif is_video(Path(style)):
            raise StyleError(f"{style}: is a clip, not a style", "take the style from it first", "style-is-clip")
        else:
            found = resolve(str(style), library or StyleLibrary(shipped=self.bundle.styles))
        found.check_fits(self.speech.generator)
        return found

    def animate(
        self,
        portrait: Portrait | str | Path | np.ndarray,
        audio: str | Path | Piped | Waveform,
        options: AnimationOptions = AnimationOptions(),  # noqa: B008  (frozen)
        soundtrack: str | Path | Piped | Waveform | None = None,
    ) -> Video:
        """Animate a portrait with a sound.

        Args:
            portrait: what `load_portrait` gave; a file or an array is loaded first.
            audio: whatever FFmpeg reads, the track of a video included; "-", standard input, or another pipe, which is
                read to its end at once; or a sound in memory at any rate.
            options: style, frame rate, gains, seed, and which track and channel of the sound drive the face.
            soundtrack: a sound to be heard in the video instead, from its beginning, such as a song of which `audio` is
                the voice alone.

        Returns:
            A video whose frames are rendered as they are asked for; the sound is read along with them.

        Raises:
            AudioError: no such file, or no sound in it.
            OptionsError: the sound has no such track or channel, or there is no such background.
            PortraitError: as `load_portrait`, or another background, and the person cannot be told from the picture's.
            StyleError: as `find_style`.
        """
        style = None if options.style is None else self.find_style(options.style)
        # A file without sound is refused now, not when its first frame is asked for.
        source, heard = opened_sound(audio), None if soundtrack is None else opened_sound(soundtrack)
        take = find_voice(source, options.track, options.channel)
        loaded = portrait if isinstance(portrait, Portrait) else self.load_portrait(portrait)
        loaded = loaded.framed(options.aspect_ratio)
        voice = Voice(partial(self._timeline, loaded, style, options), source, take)
        return self._video(loaded, [voice], style, options, heard)

    def animate_group(
        self,
        group: Group | str | Path | np.ndarray,
        voices: Mapping[int, str | Path | Piped | Waveform],
        options: AnimationOptions = AnimationOptions(),  # noqa: B008  (frozen)
        soundtrack: str | Path | Piped | Waveform | None = None,
    ) -> Video:
        """Animate several people of one picture, each with a sound of its own; all sounds begin together.

        The video is as long as the longest sound, and its own sound is all of them at once. Who is silent, or has no
        sound, listens: blinks, looks around and breathes. Heads move by themselves.

        Args:
            group: what `load_group` gave; a file or an array is loaded first.
            voices: of the faces that speak, by their numbers, 1 the largest; each as in `animate`.
            options: as in `animate`, for all faces; `track` and `channel` are those of each sound.
            soundtrack: as in `animate`.

        Raises:
            AudioError: no such file, or no sound in it.
            OptionsError: as `animate`, or there are no voices.
            PortraitError: as `animate`, or a face is not there, or cannot be animated.
            StyleError: as `find_style`.
        """
        if not voices:
            raise OptionsError("voices: there are none", "give one or more faces a sound", "no-voices")
        style = None if options.style is None else self.find_style(options.style)
        opened = {number: opened_sound(sound) for number, sound in voices.items()}
        heard = None if soundtrack is None else opened_sound(soundtrack)
        takes = {number: find_voice(sound, options.track, options.channel) for number, sound in opened.items()}
        loaded = group if isinstance(group, Group) else self.load_group(group)
        loaded.check(list(opened))
        loaded = loaded.framed(options.aspect_ratio, list(opened))
        those = []
        for (number, portrait), limits in zip(loaded.portraits.items(), loaded.measured.head_limits, strict=True):
            own = replace(options, seed=options.seed + number - 1)
            timeline = partial(self._timeline, portrait, style, own, head_limits=limits)
            those.append(Voice(timeline, opened.get(number), takes.get(number, Take()), number))
        return self._video(loaded, those, style, options, heard)

    def _video(
        self,
        whom: Portrait | Group,
        voices: Sequence[Voice],
        style: Style | None,
        options: AnimationOptions,
        soundtrack: Path | Piped | Waveform | None,
    ) -> Video:
        background = str(options.background)
        renderer = whom.renderer(style, options.teeth, background)
        behind = picture_hash(background) if is_file(background) else background
        origin = Origin(whom.hashes, "" if style is None else style.name, options.style_strength, behind)
        return Video(renderer, voices, options.frame_rate, self.threads, soundtrack, origin, options.loop)

    def start_session(
        self,
        portrait: Portrait | str | Path | np.ndarray,
        options: AnimationOptions = AnimationOptions(),  # noqa: B008  (frozen)
        sample_rate: int = 16_000,
        channels: int = 1,
    ) -> Session:
        """Animate a portrait while the sound is still arriving.

        The frames are those that `animate` makes of the same sound with the option `live`. Sessions share models and
        portraits, and do not affect each other.

        Args:
            portrait: as in `animate`.
            options: as in `animate`; a session has one track, whose channel `channel` chooses, the mean where None.
            sample_rate: samples per second of the sound that will be fed.
            channels: number of channels of that sound.

        Raises:
            OptionsError: rate, channels, track or channel out of range, or a loop.
            PortraitError: as `load_portrait`.
            StyleError: as `find_style`.
        """
        if options.track not in (None, 1):
            raise OptionsError(f"track={options.track}: a session has one track", "leave it out", "bad-track")
        if options.loop:
            raise OptionsError("loop=True: nobody knows where a session ends", "leave it out", "bad-loop")
        sound = LiveSound(sample_rate, channels, options.channel)
        style = None if options.style is None else self.find_style(options.style)
        loaded = portrait if isinstance(portrait, Portrait) else self.load_portrait(portrait)
        loaded = loaded.framed(options.aspect_ratio)
        renderer = loaded.renderer(style, options.teeth, str(options.background))
        timeline = self._timeline(loaded, style, replace(options, live=True), HISTORY + 1)
        return Session(renderer, timeline, options.frame_rate, sound)

    def motion_model(self, style: Style | None = None, strength: float = 1.0, live: bool = False) -> StyledMotionModel:
        """Give the models that move a face, changed by a style.

        Args:
            style: one that fits the model; none where None.
            strength: of the style, 0 to 1.5.
            live: whether sound is heard as it arrives, as a session hears it.
        """
        return styled_motion_model(self.speech if live else self.speech.wide, self.head, style, strength)

    def _timeline(
        self,
        portrait: Portrait,
        style: Style | None,
        options: AnimationOptions,
        history: int = 0,
        head_limits: np.ndarray | None = None,
    ) -> FrameTimeline:
        model = self.motion_model(style, options.style_strength, options.live)
        # Of a face that was placed by five points, nothing is known of lids and irises.
        sees_eyes = portrait.measured.face.measured
        stream = MotionStream(
            model,
            portrait.rest,
            portrait.expressing(model.units),
            portrait.responding(model.units, model.response),
            head_motion=options.head_motion,
            mouth=options.mouth,
            blink=options.blink if sees_eyes else 0.0,
            gaze=options.gaze if sees_eyes else 0.0,
            seed=options.seed,
            history=history * MOTION_RATE,
            head_limits=portrait.measured.head_limits if head_limits is None else head_limits,
        )
        return FrameTimeline(stream, options.frame_rate)
