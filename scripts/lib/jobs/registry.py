"""How specs are found. A measure, a kind of member or dataset, or a figure is one frozen dataclass in one module.

A new module in the package is found without being named anywhere. Needs only the standard library, because the rules
read specs before any job; the functions of a spec import what they need, such as torch, when they are called.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from scripts.lib.jobs.paths import ROOT


class Spec(Protocol):
    """What every spec has: the name that a study uses, and its position in lists."""

    @property
    def name(self) -> str: ...

    @property
    def order(self) -> int: ...


S = TypeVar("S", bound=Spec)


class Registry(Mapping[str, S], Generic[S]):
    """All specs of one type in the modules of a package, by name, sorted by `order`; loaded at first use.

    Raises ValueError for two specs with the same name.
    """

    def __init__(self, package: str, spec_type: type[S]) -> None:
        self.package, self.spec_type = package, spec_type

    def __getitem__(self, name: str) -> S:
        return self._found[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def file_of(self, name: str) -> Path:
        """The file that defines a spec; a parameter of the rules whose result the spec determines (`code_digest`)."""
        return self._found[name][1]

    @cached_property
    def _found(self) -> dict[str, tuple[S, Path]]:
        found: dict[str, tuple[S, Path]] = {}
        folder = ROOT.joinpath(*self.package.split("."))
        for _, module, _ in sorted(pkgutil.iter_modules([str(folder)])):
            path = folder / f"{module}.py"
            for spec in self._specs_of(f"{self.package}.{module}"):
                if spec.name in found:
                    raise ValueError(f"{path}: {spec.name!r} is also defined in {found[spec.name][1]}.")
                found[spec.name] = spec, path
        return dict(sorted(found.items(), key=lambda item: (item[1][0].order, item[0])))

    def _specs_of(self, module: str) -> list[S]:
        """The specs in the uppercase variables of a module, alone or in tuples."""
        values = [
            item
            for name, value in vars(importlib.import_module(module)).items()
            if name.isupper()
            for item in (value if isinstance(value, tuple) else (value,))
        ]
        return [value for value in values if isinstance(value, self.spec_type)]
