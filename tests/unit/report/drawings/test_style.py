"""Styles that tell lines apart."""

from scripts.lib.report.drawings.style import line_style


def test_sixteen_lines_differ_also_without_their_colours() -> None:
    assert len({line_style(number)[1:] for number in range(16)}) == 16
