"""Styles that tell lines apart."""

from scripts.lib.report.drawings.style import line_style


def test_sixteen_lines_differ_also_without_colours_and_without_markers() -> None:
    assert len({line_style(number)[1:] for number in range(16)}) == 16
    assert len({line_style(number)[:2] for number in range(16)}) == 16
