"""Words and numbers of figures and report."""

import polars as pl

from scripts.lib.measures.spec import MEASURES
from scripts.lib.report.labels import counted, in_words, listed, oriented, probability, quantities


def test_words() -> None:
    assert [listed("a"), listed("ab"), listed("abc")] == ["a", "a and b", "a, b and c"]
    assert [counted(1, "ensemble"), counted(32752, "ensemble")] == ["1 ensemble", "32\u202f752 ensembles"]
    assert [probability("p", 0.0123), probability("q", 0.0001)] == ["p = 0.012", "q < 0.001"]
    assert in_words("my_figure") == "My figure"


def test_similarities_are_turned_into_diversities() -> None:
    ensembles = pl.DataFrame({"attribution_similarity": [0.25, None], "disagreement": [0.5, 0.5]})
    assert oriented(ensembles, "attribution_dissimilarity").to_list() == [0.75, None]
    assert oriented(ensembles, "disagreement").to_list() == [0.5, 0.5]


def test_every_measure_has_words_for_itself_and_as_a_diversity() -> None:
    for measure in MEASURES.values():
        assert {measure.name, measure.diversity} <= quantities().keys()
        table = pl.DataFrame({measure.name: [0.25]})
        assert oriented(table, measure.diversity).to_list() == [0.75 if measure.similarity else 0.25]
    titles = [quantities()[measure.name].title for measure in MEASURES.values()]
    assert len(set(titles)) == len(titles)
