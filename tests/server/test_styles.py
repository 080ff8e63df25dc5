"""Styles are shared by nobody but the server's own; a stranger's file is checked; one is learnt as a job."""

import time
from pathlib import Path

import pytest
from tests.made_up import made_up_style
from tests.server.speaking import Speaker, refused

from rhapsode.bundle import Bundle
from rhapsode.motion.model import SpeechModel


@pytest.fixture(scope="module")
def style(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A style that fits the model."""
    path = tmp_path_factory.mktemp("style") / "ballad.safetensors"
    generator = SpeechModel.load(Bundle.load()).generator
    made_up_style("ballad", generator, delta={}, bank=None, projection=0.0).save(path)
    return path


def test_a_style_is_uploaded_used_downloaded_and_deleted_by_its_owner_alone(
    alice: Speaker, bob: Speaker, style: Path
) -> None:
    answer = alice.post("/v1/styles", style=style)
    assert answer.status_code == 201 and answer.json() == {"name": "ballad", "shipped": False}
    refused(alice.post("/v1/styles", style=style), 409, "style-exists")
    assert alice.get("/v1/styles/ballad/file").content == style.read_bytes()
    names = {one["name"]: one["shipped"] for one in alice.get("/v1/styles").json()}
    assert names["ballad"] is False and names["happy"] is True
    assert alice.ended(alice.submit(style="ballad*0.5+happy*0.5", fps="5")["id"])["state"] == "done"
    assert "ballad" not in bob.get("/v1/styles").text
    refused(bob.get("/v1/styles/ballad/file"), 404, "no-such-style")
    refused(bob.post("/v1/jobs", {"portrait": bob.portrait, "style": "ballad"}, audio=bob.voice), 404, "no-such-style")
    assert alice.ask("DELETE", "/v1/styles/ballad").status_code == 204
    refused(alice.get("/v1/styles/ballad"), 404, "no-such-style")


def test_what_is_no_style_or_has_no_fit_name_is_refused(alice: Speaker, style: Path) -> None:
    refused(alice.post("/v1/styles", style=b"x" * 100), 422, "style")
    refused(alice.post("/v1/styles", {"name": "../x"}, style=style), 422, "bad-style-name")
    refused(alice.ask("DELETE", "/v1/styles/happy"), 403, "shipped-style")


@pytest.mark.slow
def test_a_style_is_learnt_to_its_end_and_speaks(alice: Speaker, talking_clip: Path) -> None:
    wanted = {"name": "astronaut", "license": "CC0-1.0", "steps": "2"}
    job = alice.post("/v1/styles/learn", wanted, clip=talking_clip).json()
    stages = [data["progress"]["stage"] for name, data in alice.events(job["id"]) if name != "done"]
    assert "tracking" in stages and "learning" in stages
    ended = alice.ended(job["id"], 300)
    assert ended["state"] == "done", ended
    assert ended["result"]["style"] == "astronaut" and ended["result"]["distance"] > 0
    style = alice.get("/v1/styles/astronaut/file").content
    assert alice.ended(alice.submit(style="astronaut", fps="5")["id"])["state"] == "done"
    assert alice.ask("DELETE", "/v1/styles/astronaut").status_code == 204
    answer = alice.post("/v1/styles", {"name": "again"}, style=style)  # what was downloaded comes back
    assert answer.status_code == 201 and answer.json() == {"name": "again", "shipped": False}
    assert alice.ask("DELETE", "/v1/styles/again").status_code == 204


def test_learning_is_a_job_that_can_be_cancelled(alice: Speaker, talking_clip: Path) -> None:
    refused(alice.post("/v1/styles/learn", {"name": "mine"}, clip=alice.picture), 422, "no-video")
    job = alice.post("/v1/styles/learn", {"name": "mine"}, clip=talking_clip).json()
    assert (job["kind"], job["request"]["name"]) == ("learn-style", "mine")
    while alice.job(job["id"])["progress"]["stage"] not in ("tracking", "learning"):
        assert alice.job(job["id"])["state"] in ("queued", "running")
        time.sleep(0.1)
    alice.ask("POST", f"/v1/jobs/{job['id']}/cancel")
    assert alice.ended(job["id"], 20)["state"] == "cancelled"
    refused(alice.get("/v1/styles/mine"), 404, "no-such-style")
