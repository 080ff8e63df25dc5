"""The live face for other programs, such as OBS Studio or FFmpeg: JPEGs without end in one answer (multipart)."""

import asyncio
from collections.abc import AsyncIterator

import cv2
import numpy as np
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

_BOUNDARY = "frame"
_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 90]


class FaceStream:
    """Give whoever asks the frames of the live session, and of the next ones."""

    def __init__(self) -> None:
        """Begin with nobody who asks."""
        self._viewers: set[_Viewer] = set()

    def close(self) -> None:
        """End the answers of all who look."""
        for viewer in [*self._viewers]:
            viewer.give(b"")

    def show(self, image: np.ndarray) -> None:
        """Show a frame, (H, W, 3) uint8 RGB, from any thread; costs nothing where nobody looks."""
        if viewers := [*self._viewers]:
            jpeg = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), _QUALITY)[1].tobytes()
            for viewer in viewers:
                viewer.give(jpeg)

    def route(self) -> Route:
        """Give the address at which they come."""

        async def face(_request: Request) -> StreamingResponse:
            # Only the studio's own page may show it: others cannot read it, but could put it into their page.
            headers = {"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin"}
            return StreamingResponse(self._parts(), 200, headers, f"multipart/x-mixed-replace; boundary={_BOUNDARY}")

        return Route("/api/live/face", face)

    async def _parts(self) -> AsyncIterator[bytes]:
        viewer = _Viewer()
        self._viewers.add(viewer)
        try:
            yield f"--{_BOUNDARY}\r\n".encode()
            while jpeg := await viewer.next():
                head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                # The boundary at once: a viewer shows a part when it sees its end.
                yield head.encode() + jpeg + f"\r\n--{_BOUNDARY}\r\n".encode()
        finally:
            self._viewers.discard(viewer)


class _Viewer:
    """One who looks; gets the newest frame when it is ready for one."""

    def __init__(self) -> None:
        self._loop, self._come, self._jpeg = asyncio.get_running_loop(), asyncio.Event(), b""

    def give(self, jpeg: bytes) -> None:
        """Put a frame in place of the one before, from any thread; an empty one is the last."""
        self._jpeg = jpeg
        self._loop.call_soon_threadsafe(self._come.set)

    async def next(self) -> bytes:
        """Wait for a frame that was not seen yet."""
        await self._come.wait()
        self._come.clear()
        return self._jpeg
