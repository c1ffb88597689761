"""What a pairwise measure is, and the registry of all of them: one file per measure or family in `kinds/`.

Needs only the standard library, because the rules, the schema and the report also read the specs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from scripts.lib.jobs.registry import Registry

if TYPE_CHECKING:
    import torch

    from scripts.lib.measures.recorded import Recorded


@dataclass(frozen=True)
class Quantity:
    """How a measured quantity is shown: name in words, unit, and the factor from a table's numbers to that unit.

    `proper` says that the title begins with a proper name, which keeps its capital letter inside a sentence.
    """

    title: str
    unit: str = ""
    factor: float = 1.0
    proper: bool = False

    @property
    def label(self) -> str:
        """Name and unit, for an axis."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    @property
    def inside_a_sentence(self) -> str:
        """The title in the middle of a sentence: only its first letter may change (CKA, Jensen-Shannon)."""
        return self.title if self.proper else self.title[:1].lower() + self.title[1:]


@dataclass(frozen=True)
class Dissimilarity:
    """Name and quantity of 1 - a similarity, which is what is correlated with improvement."""

    name: str
    quantity: Quantity


@dataclass(frozen=True)
class Documentation:
    """The text of the section on a measure in docs/measures.md; sentences end with a full stop.

    `range` begins with the bounds, up to its first comma, colon or semicolon. None of this affects a result, so
    digests of code leave it out.
    """

    definition: str
    compares: str
    range: str
    source: str
    undefined: str = "never."
    remarks: str = ""


def mean(sums: torch.Tensor, samples: int) -> torch.Tensor:
    """The mean over samples, which is what most measures are."""
    return sums / samples


@dataclass(frozen=True)
class Measure:
    """A pairwise measure.

    `needs` is the folder of the recorded arrays: predictions, attributions or activations. `sums` takes them, and the
    device, and returns float64 [M, M]; the sums of blocks of samples add up, unless the measure is `whole`: then it is
    given all samples at once. `divisible` says that the sums of any two sets of samples add up to those of both; if
    they do not, the even and the odd samples are computed apart from all samples. `value` computes the measure, float64
    [M, M], from the sums and the number of samples. A measure that grows with the similarity of two members says in
    `dissimilarity` what 1 - value is called.
    """

    name: str
    order: int
    quantity: Quantity
    needs: Literal["predictions", "attributions", "activations"]
    sums: Callable[[Recorded, torch.device], torch.Tensor]
    documentation: Documentation
    value: Callable[[torch.Tensor, int], torch.Tensor] = mean
    dissimilarity: Dissimilarity | None = None
    whole: bool = False
    divisible: bool = True

    @property
    def similarity(self) -> bool:
        """Whether it is larger for members that are more alike."""
        return self.dissimilarity is not None

    @property
    def diversity(self) -> str:
        """The name under which it is correlated with improvement."""
        return self.name if self.dissimilarity is None else self.dissimilarity.name

    def as_diversity(self, values: Any) -> Any:
        """The values (an array or a column of a table) turned so that more means more diverse."""
        return 1 - values if self.similarity else values


MEASURES = Registry("scripts.lib.measures.kinds", Measure)


def measure_of_diversity(name: str) -> Measure | None:
    """The measure that is correlated with improvement under this name; None if there is none."""
    return next((measure for measure in MEASURES.values() if measure.diversity == name), None)
