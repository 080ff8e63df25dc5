"""`/v1/live`: a WebSocket that takes sound and gives frames, or arranges for WebRTC to do so."""

from fastapi import APIRouter, WebSocket
from fastapi.responses import JSONResponse

from rhapsode.errors import RhapsodeError
from rhapsode.live.hold import Held, hold, refuse
from rhapsode.live.wanted import Wanted
from rhapsode.server.asking import hide_folder, no_token, services_of
from rhapsode.server.faults import RequestError
from rhapsode.server.live.start import Start
from rhapsode.server.requests import checked_style
from rhapsode.server.services import Services
from rhapsode.server.tokens import LOCAL, bearer, owner_of
from rhapsode.session import Session

router = APIRouter()

#: The subprotocol, which a browser that names a token in another one needs.
PROTOCOL = "rhapsode"
#: Codes by which a socket is closed: refused, and refused for now.
_REFUSED, _LATER = 1008, 1013


@router.websocket("/v1/live")
async def live(socket: WebSocket) -> None:
    """Hold a session: docs/server.md tells the messages."""
    services = services_of(socket)
    browser = PROTOCOL in socket.scope["subprotocols"]
    try:
        owner = _owner(socket, services)
        with services.sessions.place(owner, "live sessions"):
            await socket.accept(PROTOCOL if browser else None)
            limits = services.settings.limits
            held = Held(limits.live_seconds, limits.idle_seconds)
            await hold(
                socket, lambda text: _wanted(text, services, owner), lambda error: _in_words(error, services), held
            )
            services.metrics.live_frames(held.frames)
    except RequestError as error:  # before it was accepted
        fault = {"code": error.code, "message": error.message, "remedy": error.remedy}
        if browser:  # whose page is not told the status of an answer that refuses a socket
            await socket.accept(PROTOCOL)
            await refuse(socket, fault, _LATER if error.status == 429 else _REFUSED)
            return
        headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        await socket.send_denial_response(JSONResponse({"error": fault}, error.status, headers))


def _owner(socket: WebSocket, services: Services) -> str:
    tokens = services.settings.tokens
    shown = bearer(socket.headers.get("authorization"), socket.scope["subprotocols"])
    owner = owner_of(shown, tokens) if tokens else LOCAL
    if owner is None:
        raise no_token()
    return owner


def _wanted(text: str, services: Services, owner: str) -> Wanted:
    """Read the first message, and look whether its portrait and style are there."""
    start = Start.read(text, services.settings.limits.video_side)
    fps = start.animation().frame_rate
    library = services.styles(owner)
    checked_style(start.options.get("style"), library)
    portrait = services.portraits.use(owner, start.portrait)
    picture = services.storage.portrait(owner, portrait.id)

    def open_session(rate: int, channels: int) -> Session:
        return services.stage.open(start, picture, library, rate, channels)

    return Wanted(
        open_session,
        fps,
        start.sample_rate,
        start.channels,
        start.format,
        start.quality,
        start.newest,
        start.offer,
    )


def _in_words(error: Exception, services: Services) -> dict[str, str]:
    """Tell an error without paths of the server."""
    if not isinstance(error, RhapsodeError):
        text = f"a fault of the server ({type(error).__name__})"
        return {"code": "bug", "message": text, "remedy": "tell whoever runs it"}
    message, remedy = (hide_folder(text, services.storage.folder) for text in (error.message, error.remedy))
    return {"code": error.code, "message": message, "remedy": remedy}
