"""What all tests share."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run slow tests last, so that a quick one that fails is seen first."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)
