"""All readers that are fuzzed, by name."""

from tests.fuzz import claims, entries, labels, lists, models, notation, predictions, studies, zoo
from tests.fuzz.cases import Target

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (predictions, labels, lists, zoo, entries, notation, models, studies, claims)
    for target in module.TARGETS
}
