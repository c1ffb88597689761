"""The class of highest geometric mean of the members' probabilities."""

from scripts.lib.ensembles.consensus.spec import LOGARITHMS, ConsensusMethod
from scripts.lib.ensembles.log_sums import count_by_logarithms, decide_by_logarithms, shares_by_logarithms

GEOMETRIC = ConsensusMethod(
    name="geometric",
    order=30,
    title="geometric averaging of probabilities",
    decision="the class of highest geometric mean of the probabilities",
    count=count_by_logarithms,
    decide=decide_by_logarithms,
    shares=shares_by_logarithms,
    form=LOGARITHMS,
)
