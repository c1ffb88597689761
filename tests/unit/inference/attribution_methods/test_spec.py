"""What the specs of attribution methods say; the maps themselves are in test_attributions.py."""

from scripts.lib.inference.attribution_methods.spec import ATTRIBUTION_METHODS
from scripts.lib.study.schema import schema


def test_the_schema_offers_the_methods_of_the_registry() -> None:
    method = schema()["properties"]["attributions"]["properties"]["method"]
    assert method["enum"] == list(ATTRIBUTION_METHODS)
    assert method["enum"] == ["Saliency", "InputXGradient", "IntegratedGradients", "GuidedBackprop"]


def test_only_integrated_gradients_need_a_pass_for_each_step() -> None:
    passes = {name: method.passes(16) for name, method in ATTRIBUTION_METHODS.items()}
    assert passes == {"Saliency": 1, "InputXGradient": 1, "IntegratedGradients": 16, "GuidedBackprop": 1}
