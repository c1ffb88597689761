"""The class of highest mean logit; its decisions are those of `geometric` (`log_sums` says why)."""

from scripts.lib.ensembles.consensus.spec import LOGARITHMS, ConsensusMethod
from scripts.lib.ensembles.log_sums import count_by_logarithms, decide_by_logarithms, shares_by_logarithms

AVERAGE_LOGITS = ConsensusMethod(
    name="average_logits",
    order=35,
    title="averaging of logits",
    decision="the class of highest mean logit (always that of `geometric`)",
    count=count_by_logarithms,
    decide=decide_by_logarithms,
    shares=shares_by_logarithms,
    form=LOGARITHMS,
)
