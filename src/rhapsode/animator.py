"""The whole way from a portrait and a voice to a video, top to bottom."""

import logging
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from rhapsode.audio.projection import FeatureBank
from rhapsode.bundle import DEFAULT, Bundle
from rhapsode.errors import PortraitError
from rhapsode.face.cache import CachedTracker
from rhapsode.face.geometry import MIN_EYE_DISTANCE
from rhapsode.face.tracker import Face
from rhapsode.frames import rendered, usable_threads
from rhapsode.media.picture import load_picture
from rhapsode.media.reader import is_video
from rhapsode.media.sound import load_waveform
from rhapsode.media.waveform import SAMPLE_RATE, Waveform, resample
from rhapsode.media.writer import VideoFacts, write_video
from rhapsode.motion.generator import NumpyMotionGenerator
from rhapsode.motion.head import HeadModel
from rhapsode.motion.stream import Gains, MotionStream, StyledMotionModel
from rhapsode.motion.timeline import FrameMotion, FrameTimeline, frames_of
from rhapsode.paint.networks import PictureNetworks
from rhapsode.paint.onnx_networks import PictureModel
from rhapsode.paint.painter import MouthPainter
from rhapsode.render.checks import PROFILE, TURNED, mouth_is_covered, turned
from rhapsode.render.portrait import Portrait
from rhapsode.render.renderer import Renderer
from rhapsode.require import require_torch
from rhapsode.session import Session
from rhapsode.style.library import StyleLibrary, resolve
from rhapsode.style.references import key_motions
from rhapsode.style.style import Style

_log = logging.getLogger(__name__)

#: Pixels between the outer corners of the eyes below which a face is warned of.
SMALL_FACE = 48


class Animator:
    """Makes portraits speak. Holds the models; one animator serves any number of portraits and voices.

    Attributes:
        generator: makes motion of sound.
        head: moves the head.
        picture: paints mouths.
    """

    def __init__(self, generator: NumpyMotionGenerator, head: HeadModel, picture: PictureNetworks) -> None:
        self.generator = generator
        self.head = head
        self.picture = picture

    @classmethod
    def from_pretrained(cls, model: str | Path = DEFAULT, device: str = "cpu") -> "Animator":
        """Load the models.

        Args:
            model: `default`, the model that comes with the package, or a model folder (`bundle.py`).
            device: what the picture networks run on, one of `rhapsode.paint.onnx_networks.PROVIDERS`.

        Raises:
            InstallationError: ONNX Runtime was installed without that device.
            WeightsError: there is no such model, or a file of it is missing or damaged.
        """
        bundle = Bundle.load(model)
        return cls(
            NumpyMotionGenerator.load(bundle.path("motion_generator.safetensors")),
            HeadModel.load(bundle.path("head_motion.safetensors")),
            PictureModel.load(bundle, device),
        )

    def animate(
        self,
        portrait: str | Path | np.ndarray,
        audio: str | Path | Waveform,
        *,
        fps: Fraction | float | int = 25,
        size: int | None = None,
        face: int | None = None,
        head_motion: float = 1.0,
        mouth: float = 1.0,
        blink: float = 1.0,
        style: Style | str | Path | None = None,
        style_strength: float = 1.0,
        also: Sequence[str | Path | np.ndarray] = (),
        teeth: bool = True,
        seed: int = 0,
        threads: int | None = None,
    ) -> "Video":
        """Make a portrait speak.

        Args:
            portrait: a picture file, or (H, W, 3) uint8 RGB.
            audio: whatever FFmpeg reads, the track of a video included, or a sound of any rate.
            fps: frames a second of the video; 23.976, 29.97 and 59.94 are taken as the fractions they stand for.
            size: longest side of the video in pixels, for a file; the picture's own, at most 1080p, where None.
            face: which face, 1 the largest; the largest, with a word in the log, where None.
            head_motion: gain of the head's motion, 1 natural, 0 none.
            mouth: gain of the mouth, 1 natural, 0 none.
            blink: how often the eyes blink, 1 natural, 0 never.
            style: a manner of speaking, as in `find_style`; none where None.
            style_strength: how much of it: 0 none, 1 as learnt, up to 1.5 exaggerated.
            also: other pictures of the same person, files or arrays: the teeth that they show are the portrait's.
            teeth: whether a mouth that no picture shows open has teeth; a baby's has none.
            seed: head motion and blinks; the same seed gives the same video.
            threads: that make frames; as many as there are processors, 4 at most, where None.

        Returns:
            A video whose frames are made as they are asked for.

        Raises:
            PortraitError: no picture, no face, or one too small.
            AudioError: no sound.
            StyleError: no such style, one for another generator, or a strength out of range.
            ValueError: a frame rate, size, gain, seed or number of threads out of range.
        """
        if seed < 0:
            raise ValueError(f"seed={seed}: choose 0 or more")
        if threads is not None and threads < 1:
            raise ValueError(f"threads={threads}: choose 1 or more")
        rate = exact_rate(fps)
        gains = Gains(head_motion, mouth, blink)
        manner = None if style is None else self.find_style(style)
        source = Path(audio) if isinstance(audio, str | Path) else audio
        heard = load_waveform(source) if isinstance(source, Path) else resample(source, SAMPLE_RATE)
        prepared = self.prepare(portrait, size, face)
        moved = self.manner(manner, style_strength)
        renderer = Renderer(prepared, self.painter(prepared, manner, also), teeth=teeth)

        def moments() -> Iterator[FrameMotion]:
            return FrameTimeline(MotionStream(moved, prepared.rest, gains, seed), rate).of(heard.samples)

        return Video(renderer, moments, source, heard.seconds, rate, threads or usable_threads())

    def prepare(self, portrait: str | Path | np.ndarray, size: int | None = None, face: int | None = None) -> Portrait:
        """Find the face in a picture and measure all that rendering needs; arguments as in `animate`.

        What is found is kept on disk (`face.remembered`), so that the same picture takes little time again.
        """
        image, name = _picture(portrait, size)
        with CachedTracker() as tracker:
            chosen = _choose(tracker.detect(image), face, name)
            measured = Portrait.from_image(image, tracker, chosen)
        _check_view(measured, name)
        return measured

    def find_style(self, style: Style | str | Path, library: StyleLibrary | None = None) -> Style:
        """The style that is meant, checked to fit.

        Args:
            style: a style; the name of one, or a mixture such as "ballad*0.6+angry*0.4"; a style file; or a clip, whose
                manner is taken at once, without learning.
            library: where names are looked up; the user's and the shipped styles where None.

        Raises:
            StyleError: no such style, one for another generator, or a clip that cannot be used.
        """
        if isinstance(style, Style):
            found = style
        elif is_video(Path(style)):
            require_torch("a style taken from a clip")
            # Here, since few take a clip, and tracking one needs what takes its time to load.
            from rhapsode.learning.learn import zero_shot
            from rhapsode.learning.style_clip import read_style_clip
            from rhapsode.models.motion_generator import MotionGenerator

            generator = MotionGenerator.from_numpy(self.generator)
            found = zero_shot(read_style_clip(Path(style)), generator, self.head, Path(style).stem)
        else:
            found = resolve(str(style), library or StyleLibrary())
        found.check_fits(self.generator)
        return found

    def painter(
        self, portrait: Portrait, style: Style | None = None, also: Sequence[str | Path | np.ndarray] = ()
    ) -> MouthPainter:
        """What paints a portrait's mouth, its four ISP images among it.

        Args:
            portrait: whom to paint.
            style: whose manner the ISP images are in; the shipped one where None.
            also: other pictures of the same person, as in `animate`.

        Raises:
            PortraitError: one of them is no picture, or shows no face.
        """
        references = key_motions() if style is None else style.references
        shown = [_picture(one) for one in also]
        faces = []
        if shown:
            with CachedTracker() as tracker:
                faces = [_choose(tracker.detect(image), None, name) for image, name in shown]
        pictures = [(image, face) for (image, _), face in zip(shown, faces, strict=True)]
        painter = MouthPainter(portrait, self.picture, references, also=pictures)
        for number in painter.turned:
            _log.warning("%s: the head is turned too differently from the portrait's; left out", shown[number][1])
        return painter

    def manner(self, style: Style | None = None, strength: float = 1.0) -> StyledMotionModel:
        """The models as a style has changed them.

        Args:
            style: one that fits; none where None.
            strength: how much of it, as in `animate`.

        Raises:
            StyleError: a strength out of range.
        """
        if style is None:
            return StyledMotionModel(self.generator, self.head)
        scaled = style.scaled(strength)
        # Beyond strength 1 the motion is led on, not the weights: those led on so far move a face twice as fast.
        spoken = style if strength > 1 else scaled
        return StyledMotionModel(
            spoken.apply(self.generator),
            scaled.move_head(self.head),
            self.generator if strength > 1 else None,
            strength - 1,
            FeatureBank(spoken.bank) if spoken.projection and len(spoken.bank) else None,
            spoken.projection,
            scaled.rest_expression,
            scaled.eyelid_offset,
            scaled.blink_rate_scale,
        )

    def open(
        self,
        portrait: str | Path | np.ndarray,
        *,
        fps: Fraction | float | int = 25,
        size: int | None = None,
        face: int | None = None,
        head_motion: float = 1.0,
        mouth: float = 1.0,
        blink: float = 1.0,
        style: Style | str | Path | None = None,
        style_strength: float = 1.0,
        also: Sequence[str | Path | np.ndarray] = (),
        teeth: bool = True,
        seed: int = 0,
    ) -> Session:
        """A portrait that speaks while the sound is still arriving.

        Its frames are those that `animate` makes of the same sound. Sessions share the models, and know nothing of each
        other. All arguments are as in `animate`.

        Raises:
            PortraitError: no picture, no face, or one too small.
            StyleError: no such style, one for another generator, or a strength out of range.
            ValueError: a frame rate, size, gain or seed out of range.
        """
        if seed < 0:
            raise ValueError(f"seed={seed}: choose 0 or more")
        rate = exact_rate(fps)
        gains = Gains(head_motion, mouth, blink)
        manner = None if style is None else self.find_style(style)
        moved = self.manner(manner, style_strength)
        prepared = self.prepare(portrait, size, face)
        renderer = Renderer(prepared, self.painter(prepared, manner, also), teeth=teeth)
        return Session(renderer, FrameTimeline(MotionStream(moved, prepared.rest, gains, seed), rate))


class Video:
    """A talking portrait, rendered frame by frame as it is iterated; nothing holds the whole video in memory.

    Attributes:
        fps: frames a second, exact.
        seconds: length of the sound.
        width, height: pixels.
        threads: that make frames.
        moments: called, gives what each frame shows, one after another.
    """

    def __init__(
        self,
        renderer: Renderer,
        moments: Callable[[], Iterator[FrameMotion]],
        audio: Path | Waveform,
        seconds: float,
        fps: Fraction,
        threads: int = 1,
    ) -> None:
        """Promise a video; `Animator.animate` makes one.

        Args:
            renderer: draws it.
            moments: begins with what the first frame shows.
            audio: what is heard.
            seconds: its length.
            fps: frames a second.
            threads: that make frames.
        """
        self.fps = fps
        self.seconds = seconds
        self.threads = threads
        self.height, self.width = renderer.shape
        self.moments = moments
        self._renderer, self._audio = renderer, audio

    def __len__(self) -> int:
        return frames_of(self.seconds, self.fps)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Each frame, (H, W, 3) uint8 RGB; frame n shows the moment n / fps seconds."""
        return rendered(self._renderer, self.moments(), self.threads)

    def save(self, path: str | Path, progress: Callable[[int, int], None] | None = None) -> VideoFacts:
        """Write an MP4 with the sound as it was given.

        Args:
            path: ends in .mp4; appears only when it is complete.
            progress: called with (frames done, frames in all).

        Raises:
            VideoError: if the file cannot be written.
        """

        def counted() -> Iterator[np.ndarray]:
            for done, frame in enumerate(self, start=1):
                yield frame
                if progress:
                    progress(done, len(self))

        return write_video(counted(), Path(path), self.fps, self._audio)


def exact_rate(fps: Fraction | float | int) -> Fraction:
    """The frame rate that a number stands for: 29.97 is 30000/1001.

    Raises:
        ValueError: if it is not between 1 and 240.
    """
    rate = Fraction(fps).limit_denominator(1001)
    for whole in (24, 30, 60, 120):
        if abs(float(fps) - whole * 1000 / 1001) < 5e-3:
            rate = Fraction(whole * 1000, 1001)
    if not 1 <= rate <= 240:
        raise ValueError(f"{fps} frames a second is not between 1 and 240")
    return rate


def _picture(picture: str | Path | np.ndarray, size: int | None = None) -> tuple[np.ndarray, str]:
    """A picture, (H, W, 3) uint8 RGB, and what to call it; arguments as in `Animator.animate`."""
    if not isinstance(picture, np.ndarray):
        if size is not None and not 64 <= size <= 4096:
            raise ValueError(f"size={size}: choose 64 to 4096 pixels")
        return load_picture(Path(picture), size), str(picture)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise PortraitError(f"the picture: must be (H, W, 3) uint8 RGB, not {picture.shape} {picture.dtype}")
    if size is not None:
        raise ValueError("size goes with a picture file; resize the array itself")
    return picture, "the picture"


def _check_view(portrait: Portrait, name: str) -> None:
    """Refuse a face in profile; warn of one seen from the side, or whose mouth is covered."""
    side = turned(portrait)
    if side > PROFILE:
        raise PortraitError(
            f"{name}: the face is turned {side:.0f} degrees to the side, {PROFILE:.0f} at most can be animated; "
            "use a picture that shows it from the front"
        )
    if side > TURNED:
        _log.warning("%s: the face is turned %.0f degrees; one seen from the front moves better", name, side)
    if mouth_is_covered(portrait):
        _log.warning("%s: something seems to cover the mouth; what moves is drawn on it", name)


def _choose(faces: list[Face], wanted: int | None, name: str) -> Face:
    if not faces:
        raise PortraitError(f"{name}: no face found; use a picture that shows a face from the front")
    if wanted is not None and not 1 <= wanted <= len(faces):
        raise PortraitError(f"{name}: there is no face {wanted}; choose one from 1 to {len(faces)}")
    if wanted is None and len(faces) > 1:
        _log.warning("%s: %d faces; animating the largest (choose with --face 1..%d)", name, len(faces), len(faces))
    face = faces[(wanted or 1) - 1]
    if face.eye_distance < MIN_EYE_DISTANCE:
        raise PortraitError(
            f"{name}: the face is too small, {face.eye_distance:.0f} px between the outer eye corners, "
            f"at least {MIN_EYE_DISTANCE:.0f} needed; use a larger picture or crop it to the face"
        )
    if face.eye_distance < SMALL_FACE:
        _log.warning(
            "%s: the face is small, %.0f px between the outer eye corners; from %d px on it looks better",
            name,
            face.eye_distance,
            SMALL_FACE,
        )
    return face
