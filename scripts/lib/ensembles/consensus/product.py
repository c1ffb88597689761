"""The class of highest product of the members' probabilities; its decisions are those of `geometric`.

Source: Kittler et al. 1998; Kuncheva 2004.
"""

from scripts.lib.ensembles.consensus.spec import LOGARITHMS, ConsensusMethod
from scripts.lib.ensembles.log_sums import count_by_logarithms, decide_by_logarithms, shares_by_logarithms

PRODUCT = ConsensusMethod(
    name="product",
    order=40,
    title="product of probabilities",
    decision="the class of highest product of the probabilities (always that of `geometric`)",
    count=count_by_logarithms,
    decide=decide_by_logarithms,
    shares=shares_by_logarithms,
    form=LOGARITHMS,
)
