"""Load a group: read a picture, find all its faces, measure those that can be animated."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from rhapsode.credentials.origin import picture_hash
from rhapsode.errors import PortraitError
from rhapsode.face.cache import CachedTracker
from rhapsode.face.choice import FaceChoice
from rhapsode.group import Group
from rhapsode.paint.networks import PictureNetworks
from rhapsode.picture_source import PictureSource, Source, read_source
from rhapsode.portrait import Portrait
from rhapsode.portrait_loader import check_size, face_tracker, find_faces
from rhapsode.render.checks import check_view
from rhapsode.render.portrait import MeasuredPortrait

_log = logging.getLogger(__name__)


def load_group(picture: PictureSource, networks: PictureNetworks, size: int | None = None) -> Group:
    """Read a picture and measure the faces in it; see `Animator.load_group`."""
    hashes = (picture_hash(picture),)
    with face_tracker() as tracker:
        source = read_source(picture, size, tracker)
        choice = FaceChoice(tuple(find_faces(source, tracker, size)))
        found = {number: _measured(source, tracker, choice, number) for number in range(1, len(choice.faces) + 1)}
    measured = {number: one for number, one in found.items() if isinstance(one, MeasuredPortrait)}
    refused = {number: one for number, one in found.items() if isinstance(one, PortraitError)}
    if not measured:
        raise refused[1]
    for one in refused.values():
        _log.warning("%s; it stays as it is", one.message, extra={"code": one.code})

    def portraits(measured: dict[int, MeasuredPortrait]) -> dict[int, Portrait]:
        return {number: Portrait(one, networks, hashes=hashes) for number, one in measured.items()}

    def reframe(ratio: float, numbers: Sequence[int]) -> Group:
        largest = next(iter(measured.values()))
        faces = [choice.faces[number - 1] for number in numbers]
        part = source.part(faces, largest.person, ratio, largest.unit)
        there = choice.scaled(part.scale, part.left, part.top)
        for number in numbers:
            check_size(source, there.faces[number - 1], size, warns=False)
        with face_tracker() as tracker:
            seen = {
                number: MeasuredPortrait.from_image(part.image, tracker, face, tracker.kept, part.shown)
                for number, face in enumerate(there.faces, 1)
                if number in numbers or (number in measured and part.shown.holds(face.box))
            }
        return Group(portraits(seen), there, refused, source.name)

    return Group(portraits(measured), choice, refused, source.name, reframe)


def _measured(
    source: Source, tracker: CachedTracker, choice: FaceChoice, number: int
) -> MeasuredPortrait | PortraitError:
    """A face that can be animated, or why it cannot; what does not look well is told."""
    name = source.name if len(choice.faces) == 1 else f"{source.name}, face {number}"
    face = choice.faces[number - 1]
    try:
        check_size(replace(source, name=name), face, source.size)
        measured = MeasuredPortrait.from_image(source.image, tracker, face, tracker.kept)
        check_view(measured, name)
    except PortraitError as error:
        return error
    return measured
