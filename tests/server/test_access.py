"""Who may ask: whoever shows a token, from a program and not from a stranger's page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from tests.server.conftest import ALICE, running
from tests.server.speaking import Speaker, refused

from rhapsode import cli
from rhapsode.errors import OptionsError
from rhapsode.server.settings import Settings
from rhapsode.server.tokens import owner_of, read_tokens


def ask(address: str, path: str, **headers: str) -> requests.Response:
    return requests.get(f"{address}{path}", headers=headers, timeout=10)


@pytest.mark.parametrize("shown", ["", "Bearer wrong", "Basic " + ALICE, f"Bearer {ALICE}x", "Bearer ü"])
def test_nobody_gets_in_without_a_token_that_is_known(address: str, shown: str) -> None:
    answer = requests.get(f"{address}/v1/jobs", headers={"Authorization": shown.encode()} if shown else {}, timeout=10)
    refused(answer, 401, "no-token")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_whether_it_is_well_is_told_to_everybody_and_figures_are_not(address: str) -> None:
    assert ask(address, "/health").json() == {"ok": True, "version": "0.1.0", "database": True, "workers": True}
    refused(ask(address, "/metrics"), 401, "no-token")


def test_figures_tell_of_jobs_and_routes_and_of_nobody(alice: Speaker) -> None:
    alice.get(f"/v1/portraits/{alice.portrait}")
    text = alice.get("/metrics").text
    assert 'rhapsode_jobs{state="queued"} 0.0' in text and 'route="/v1/portraits/{number}",status="200"' in text
    assert "alice" not in text and alice.portrait not in text


def test_another_web_page_cannot_ask_in_a_users_name(alice: Speaker) -> None:
    refused(alice.get("/v1/jobs", headers={"Origin": "https://evil.example"}), 403, "foreign-origin")
    refused(alice.get("/v1/jobs", headers={"Origin": "null"}), 403, "foreign-origin")
    own = alice.get("/v1/jobs", headers={"Origin": alice.address})
    assert own.status_code == 200 and not [name for name in own.headers if name.startswith("access-control")]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server for this machine alone."""
    yield from running(Settings(tmp_path_factory.mktemp("local"), workers=0))


def test_without_tokens_a_name_that_leads_here_is_not_enough(local: str) -> None:
    assert ask(local, "/v1/jobs").json() == []
    refused(ask(local, "/v1/jobs", Host="evil.example"), 403, "foreign-origin")


def test_beyond_this_machine_it_serves_with_tokens_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["serve", "--host", "0.0.0.0", "--data", str(tmp_path)]) == 2
    assert "name a --token-file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "holds no token"), ("alice", "is not NAME:TOKEN"), ("A b:c", "is not NAME"), ("alice:short", "5 letters")],
)
def test_weak_or_broken_tokens_are_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "tokens").write_text(text)
    with pytest.raises(OptionsError, match=words):
        read_tokens(tmp_path / "tokens")


def test_a_token_can_be_replaced_without_losing_what_its_owner_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tokens").write_text(f"# ours\nalice:{ALICE}\nalice: new-{ALICE}\n")
    monkeypatch.setenv("RHAPSODE_TOKEN", "z" * 20)
    tokens = read_tokens(tmp_path / "tokens")
    assert [owner_of(one, tokens) for one in (ALICE, f"new-{ALICE}", "z" * 20, "z")] == [
        "alice",
        "alice",
        "default",
        None,
    ]
