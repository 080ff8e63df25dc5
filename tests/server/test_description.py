"""The API keeps to its description, whatever is sent."""

from typing import Any

import pytest

pytest.importorskip("fastapi", reason="needs the extra [serve]")

from tests.server.conftest import ALICE

from rhapsode.server.app import create_app
from rhapsode.server.settings import Settings

schemathesis: Any = pytest.importorskip("schemathesis")
hypothesis: Any = pytest.importorskip("hypothesis")
checks: Any = pytest.importorskip("schemathesis.specs.openapi.checks")


def test_every_answer_is_one_that_the_description_tells_of(address: str) -> None:
    described = schemathesis.openapi.from_url(f"{address}/openapi.json")
    settings = hypothesis.settings(
        max_examples=2, deadline=None, derandomize=True, database=None, suppress_health_check=[*hypothesis.HealthCheck]
    )
    for found in described.get_all_operations():

        def answers_as_described(case: Any) -> None:
            # A description cannot say what a picture is: what is valid by it may be refused.
            rejects = [checks.positive_data_acceptance]
            case.call_and_validate(headers={"Authorization": f"Bearer {ALICE}"}, timeout=60, excluded_checks=rejects)

        settings(hypothesis.given(case=found.ok().as_strategy())(answers_as_described))()


def test_every_request_is_described(settings: Settings) -> None:
    described = create_app(settings).openapi()["paths"]
    for path, methods in described.items():
        for method, request in methods.items():
            assert request["description"], (method, path)
            told = {int(status) for status in request["responses"]}
            if path.startswith("/v1"):
                assert told >= {401, 403, 422, 429} and request["security"], (method, path)
