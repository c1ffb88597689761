"""How the variance of accuracy over ensembles divides, in plain sentences that follow from the table."""

from collections.abc import Sequence

from scripts.lib.report.labels import TERMS, WHAT_SHARES_ARE, in_words, listed, missing, plain, quantity
from scripts.lib.report.variance_tables import Row


def on_variance(rows: Sequence[Row], dataset: str) -> list[str]:
    """Sentences on the `rows` of one dataset that are shown together; none if they have no value."""
    known = [row for row in rows if not missing(row["share"])]
    if not known:
        return []
    rest = [row for row in known if row["term"] == "unexplained"]
    model = {row["model"] for row in rest}
    together = [row for row in known if row["model"] in model] if rest else known
    alone = [row for row in known if row not in together]
    apart = "" if rest else ", each measure in a model of its own"
    unexplained = "".join(f"; {_percent(row['share'])} is not explained" for row in rest)
    shares = listed(f"{_name(row)} {_share(row)}" for row in together if row["term"] != "unexplained")
    others = listed(f"{_name(row)} {_share(row)}" for row in alone) if alone else ""
    added = listed(f"{_name(row)} {_percent(row['added'], 1)}" for row in known if row["term"] not in TERMS)
    place = f"{in_words(dataset)}{apart}"
    return [
        f"Shares in the variance of accuracy over the ensembles on {place}: {shares}{unexplained}.",
        *([f"In models of their own, over the members that have them: {others}."] if others else []),
        f"What each measure adds to size and members' accuracies: {added}.",
        WHAT_SHARES_ARE,
    ]


def _name(row: Row) -> str:
    return TERMS[row["term"]].lower() if row["term"] in TERMS else quantity(row["term"]).inside_a_sentence


def _share(row: Row) -> str:
    """`50 % (95 % interval 48 to 52 %)`."""
    share = _percent(row["share"])
    if missing(row["low"]) or missing(row["high"]):
        return share
    return f"{share} (95 % interval {plain(100 * row['low'], 0)} to {_percent(row['high'])})"


def _percent(value: float, digits: int = 0) -> str:
    return f"{plain(100 * value, digits)} %"
