"""Packets of a file to frames: what can be decoded of a damaged file is decoded."""

import logging
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet

log = logging.getLogger(__name__)


def decode(packets: "Iterator[Packet[Any]]", name: str, what: str) -> Iterator[Any]:
    """Decode the packets of one track; damage is logged once.

    Args:
        packets: as `container.demux(stream)` gives them.
        name: of the file, for the log.
        what: `audio` or `video`, for the log.

    Yields:
        Frames of the kind that the track holds.
    """
    damaged = 0
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError as error:
            log.warning("%s: the %s breaks off early (%s)", name, what, (error.strerror or str(error)).lower())
            break
        if packet is None:
            break
        try:
            frames = packet.decode()
        except FFmpegError:
            damaged += 1
            continue
        yield from frames
    if damaged:
        log.warning("%s: %d damaged %s packets were skipped", name, damaged, what)


def clock_zero(container: InputContainer) -> Fraction:
    """Find the instant of a file that counts as its time 0: where players start.

    Formats such as MPEG-TS and MP3 do not start their clock at 0 (the latter at the end of its encoder
    delay). Sound and picture of one file are both measured from here.

    Args:
        container: an opened file.

    Returns:
        Seconds on the container's own clock.
    """
    return Fraction(container.start_time or 0, 1_000_000)
