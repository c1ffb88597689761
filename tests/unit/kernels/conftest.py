"""Small inputs must reach the compiled code, which leaves them to torch otherwise."""

import pytest

from kernels import native


@pytest.fixture(autouse=True)
def _compiled_code_takes_small_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "LEAST_OPERATIONS", 0)
