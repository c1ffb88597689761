"""Two processes share the tests: a file is one piece, and the runs of the workflow, which share a study, are one."""

import pytest


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest piece first, so that nothing waits for it at the end."""
    for item in items:
        piece = "workflow" if "workflow" in item.path.parts else item.path.name
        item.add_marker(pytest.mark.xdist_group(piece))
    items.sort(key=lambda item: "workflow" not in item.path.parts)
