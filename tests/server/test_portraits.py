"""Pictures are uploaded, looked at apart from the server, and seen by their owner alone."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.server.speaking import Speaker, refused


@pytest.fixture(scope="module")
def portrait(alice: Speaker) -> dict[str, Any]:
    return dict(alice.get(f"/v1/portraits/{alice.portrait}").json())


def test_a_portrait_tells_its_size_and_its_faces(portrait: dict[str, Any]) -> None:
    assert (portrait["width"], portrait["height"], portrait["name"]) == (128, 128, "me")
    (face,) = portrait["faces"]
    left, top, right, bottom = face["box"]
    assert 0 < left < 64 < right < 128 and 0 < top < 64 < bottom < 128
    assert [one["code"] for one in portrait["warnings"]] == ["small-face"]


def test_the_picture_is_kept_without_what_else_its_file_told(alice: Speaker) -> None:
    answer = alice.get(f"/v1/portraits/{alice.portrait}/picture")
    assert answer.headers["content-type"] == "image/png"
    picture = Image.open(io.BytesIO(answer.content))
    assert picture.size == (128, 128) and not picture.getexif() and b"at home" not in answer.content


def test_another_user_neither_sees_nor_uses_nor_deletes_it(alice: Speaker, bob: Speaker) -> None:
    assert alice.portrait not in bob.get("/v1/portraits").text
    for method, path in (("GET", ""), ("GET", "/picture"), ("DELETE", "")):
        refused(bob.ask(method, f"/v1/portraits/{alice.portrait}{path}"), 404, "no-such-portrait")
    refused(bob.post("/v1/jobs", {"portrait": alice.portrait}, audio=bob.voice), 404, "no-such-portrait")
    assert alice.get(f"/v1/portraits/{alice.portrait}").status_code == 200


def test_what_is_no_picture_or_shows_no_face_is_refused_in_words(alice: Speaker) -> None:
    before = alice.get("/v1/portraits").json()
    grey = io.BytesIO()
    Image.fromarray(np.full((80, 80, 3), 128, np.uint8)).save(grey, "PNG")
    error = refused(alice.post("/v1/portraits", picture=grey.getvalue()), 422, "no-face")
    assert error["message"] == "the upload: no face found"
    refused(alice.post("/v1/portraits", picture=b"#EXTM3U\nfile:///etc/passwd\n"), 422, "unknown-format")
    assert alice.get("/v1/portraits").json() == before


def test_a_body_that_is_too_large_is_refused_at_once_or_while_it_comes(alice: Speaker) -> None:
    refused(alice.post("/v1/portraits", picture=bytes(2_100_000)), 413, "upload-too-large")

    def pieces() -> object:
        yield b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\n'
        for _ in range(40):
            yield bytes(100_000)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = alice.ask("POST", "/v1/portraits", data=pieces(), headers=headers)
    refused(answer, 413, "upload-too-large")


def test_a_portrait_that_is_deleted_is_gone(bob: Speaker) -> None:
    number = bob.post("/v1/portraits", picture=bob.picture).json()["id"]
    assert bob.ask("DELETE", f"/v1/portraits/{number}").status_code == 204
    refused(bob.get(f"/v1/portraits/{number}/picture"), 404, "no-such-portrait")
