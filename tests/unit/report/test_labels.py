"""Words and numbers of figures and report."""

from scripts.lib.report.labels import counted, in_words, listed, probability


def test_words() -> None:
    assert [listed("a"), listed("ab"), listed("abc")] == ["a", "a and b", "a, b and c"]
    assert [counted(1, "ensemble"), counted(32752, "ensemble")] == ["1 ensemble", "32\u202f752 ensembles"]
    assert [probability("p", 0.0123), probability("q", 0.0001)] == ["p = 0.012", "q < 0.001"]
    assert in_words("my_figure") == "My figure"
