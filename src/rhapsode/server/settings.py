"""How a server runs: where it keeps things, who may use it, and how much of everything."""

from dataclasses import dataclass, field
from pathlib import Path

from rhapsode.bundle import DEFAULT
from rhapsode.compute import cpu_count


@dataclass(frozen=True)
class Limits:
    """Say how much the server takes.

    Attributes:
        upload_bytes: largest body of a request.
        picture_pixels: area of a picture.
        sound_seconds: length of a voice.
        clip_seconds: length of a clip that a style is learnt from.
        text_letters: length of a text to speak.
        video_side: longest side of a video, pixels.
        portraits: portraits of one owner.
        queued: jobs that wait or run, of everybody.
        queued_each: jobs of one owner that wait or run.
        decoding: uploads that are decoded at once.
        decode_seconds: longest time that decoding an upload takes.
        decode_bytes: address space of the process that decodes one.
        job_seconds: longest time that a job takes.
        job_bytes: address space of a worker; 0 for no limit.
        live: live sessions at once, of everybody.
        live_each: live sessions of one owner at once.
        live_seconds: longest live session.
        idle_seconds: longest silence of the other side of a live session.
        watching: event streams at once.
        connections: connections at once.
        message_bytes: a message of a live session.
        quota_bytes: files of one owner.
        free_bytes: disk that must stay free.
    """

    upload_bytes: int = 200_000_000
    picture_pixels: int = 50_000_000
    sound_seconds: float = 600.0
    clip_seconds: float = 300.0
    text_letters: int = 5000
    video_side: int = 1920
    portraits: int = 200
    queued: int = 1000
    queued_each: int = 100
    decoding: int = 2
    decode_seconds: float = 60.0
    decode_bytes: int = 4_000_000_000
    job_seconds: float = 3600.0
    job_bytes: int = 16_000_000_000
    live: int = 2
    live_each: int = 1
    live_seconds: float = 3600.0
    idle_seconds: float = 60.0
    watching: int = 100
    connections: int = 500
    message_bytes: int = 1_000_000
    quota_bytes: int = 2_000_000_000
    free_bytes: int = 500_000_000


@dataclass(frozen=True)
class Settings:
    """Say how a server runs.

    Attributes:
        folder: holds portraits, styles and results, and the database unless another is named.
        database: SQLAlchemy URL; a SQLite file in the folder where empty.
        tokens: who may use the server, name and token of each; whoever reaches it where there are none.
        workers: processes that do jobs.
        threads: threads of each that render frames.
        keep_days: days that results stay after they are made, and portraits after they were last used.
        lease_seconds: a job whose server has not been heard of for so long is taken back.
        signs: whether every result must carry Content Credentials.
        model: "default" or a model folder.
        limits: how much of everything.
    """

    folder: Path
    database: str = ""
    tokens: tuple[tuple[str, str], ...] = ()
    workers: int = max(1, cpu_count() // 2)
    threads: int = min(2, cpu_count())
    keep_days: float = 7.0
    lease_seconds: float = 10.0
    signs: bool = True
    model: str = DEFAULT
    limits: Limits = field(default_factory=Limits)

    @property
    def database_url(self) -> str:
        """Give the URL of the database."""
        return self.database or f"sqlite:///{(self.folder / 'server.sqlite3').as_posix()}"
