"""How far apart are the probabilities of two members?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.lib.measures.spec import Documentation, Measure, Quantity

if TYPE_CHECKING:
    import torch

    from scripts.lib.measures.recorded import Recorded


def _sums(recorded: Recorded, device: torch.device) -> torch.Tensor:
    import kernels
    from scripts.lib.inference.predictions import probabilities

    return kernels.js_divergence(probabilities(recorded.arrays).to(device), reduction="sum")


JS_DIVERGENCE = Measure(
    name="js_divergence",
    order=40,
    quantity=Quantity("Jensen-Shannon divergence", "nats", proper=True),
    needs="predictions",
    sums=_sums,
    documentation=Documentation(
        definition=(
            "the mean over samples of the Jensen-Shannon divergence of the two members' probabilities p and q: ½ "
            "KL(p‖m) + ½ KL(q‖m), m = (p + q) / 2, with natural logarithms (nats); 0 ln 0 = 0."
        ),
        compares="probabilities",
        range="0 to ln 2 ≈ 0.693; 0 for a member with itself.",
        remarks=(
            "it is the divergence, not its square root (the Jensen-Shannon distance, which SciPy's `jensenshannon` "
            "returns)."
        ),
        source="Lin 1991.",
    ),
)
