"""What tests of inputs share."""

import pytest

from rhapsode.animator import Animator


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where models are loaded: what is refused early is refused before."""

    def load(*_: object) -> None:
        raise AssertionError("the models were loaded in vain")

    monkeypatch.setattr(Animator, "from_pretrained", load)
