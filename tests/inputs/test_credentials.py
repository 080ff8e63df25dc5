"""What videos say of themselves, and where they cannot."""

import hashlib
import importlib.util
import json

import av
import pytest
from tests.bench import Bench

case = pytest.mark.case
signs = pytest.mark.skipif(importlib.util.find_spec("c2pa") is None, reason="needs c2pa-python")


def comment(bench: Bench, name: str) -> str:
    with av.open(bench.folder / name) as container:
        metadata = {key.lower(): value for key, value in container.metadata.items()}
        return metadata["comment"]


@signs
@case(
    "Credentials",
    "A video as it was made",
    made="rhapsode verify talk.mp4",
    happens="holds: made by AI, by which version, hashes of portrait and voice, the style, and who signed",
)
@case(
    "Credentials",
    "A video with one changed byte",
    made="rhapsode verify talk.mp4",
    happens="refused: something was changed after it was signed",
)
@case("Credentials", "A video that was encoded anew", made="ffmpeg -i talk.mp4 new.mp4; rhapsode verify new.mp4",
      happens="refused: nothing is signed in it")  # fmt: skip
def test_a_video_says_what_it_is(bench: Bench) -> None:
    assert bench.animate(fps=5, style="happy").code == 0
    found = bench.run("verify", str(bench.out))
    assert found.code == 0 and "made by AI" in found.out and "with your own key" in found.out
    told = json.loads(bench.run("verify", str(bench.out), "--json").out)
    assert told["valid"] and told["inputs"]["style"] == "happy"
    assert told["inputs"]["portrait"] == hashlib.sha256(bench.portrait.read_bytes()).hexdigest()
    assert told["inputs"]["voice"] == hashlib.sha256(bench.speech.read_bytes()).hexdigest()
    data = bytearray(bench.out.read_bytes())
    data[-100] ^= 1
    bench.out.write_bytes(data)
    changed = bench.run("verify", str(bench.out))
    assert changed.code == 2 and "was changed after it was signed" in changed.err and changed.out == ""
    assert json.loads(bench.run("verify", str(bench.out), "--json").out)["valid"] is False


@signs
@case("Credentials", "A video without credentials, by choice", made="--no-credentials",
      happens="works; the comment in the file says so")  # fmt: skip
def test_credentials_may_be_left_out(bench: Bench) -> None:
    outcome = bench.run(
        "animate", f"--portrait={bench.portrait}", f"--audio={bench.speech}", f"--out={bench.out}", "--fps=5",
        "--no-credentials",
    )  # fmt: skip
    assert outcome.code == 0 and "Credentials" not in outcome.err
    assert comment(bench, "talk.mp4").endswith("No Content Credentials: left out by choice")


@signs
@case("Credentials", "WebM, folders of pictures, standard output", made="--out talk.webm",
      happens="works; not signed, which a warning and the comment say")  # fmt: skip
def test_what_cannot_be_signed_says_so(bench: Bench) -> None:
    outcome = bench.animate(out=bench.folder / "talk.webm", fps=5)
    assert outcome.code == 0 and "has no Content Credentials: WebM has no place for them" in outcome.err
    assert "No Content Credentials: WebM" in comment(bench, "talk.webm")


@signs
@case("Credentials", "A key without its certificate", made="--credentials-key key.pem",
      happens="refused before any work")  # fmt: skip
def test_half_a_key_is_refused(bench: Bench, no_work: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RHAPSODE_CREDENTIALS_CERTIFICATE")
    bench.refused(bench.animate(**{"credentials-key": "key.pem"}), "go together")
