"""The ledger as a picture: a row for each paper, a cell for each claim."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pesin.claims.ledger import VERDICTS
from pesin.plot.style import PAGE, panels

# Colour and sign: colour alone never carries the meaning.
LOOKS = {
    "reproduced": ("#009E73", "✓"),
    "illustrated": ("#56B4E9", "✓"),
    "partly": ("#F0E442", "~"),
    "not reproduced": ("#D55E00", "✗"),
    "not testable here": ("#DDDDDD", "–"),
    "no verdict": ("#FFFFFF", "?"),
}


def verdict_grid(rows: list[dict]) -> Figure:
    """Draw the ledger's rows.

    Parameters
    ----------
    rows
        Dicts with study, claim and verdict.
    """
    studies = list(dict.fromkeys(row["study"] for row in rows))
    figure, axes = panels(width=PAGE, height=0.9 + 0.34 * len(studies))
    ax = axes[0, 0]
    for y, study in enumerate(studies):
        for x, row in enumerate(row for row in rows if row["study"] == study):
            colour, sign = LOOKS[row["verdict"]]
            ax.add_patch(_cell(x, y, colour))
            ax.text(x + 0.3, y, row["claim"], ha="center", va="center", fontsize=7)
            ax.text(x + 0.66, y, sign, ha="center", va="center", fontsize=8, fontweight="bold")
    widest = max(sum(row["study"] == study for row in rows) for study in studies)
    ax.set(xlim=(-0.1, widest + 0.1), ylim=(len(studies) - 0.4, -0.6), yticks=range(len(studies)), xticks=[])
    ax.set_yticklabels([study.replace("_", " ") for study in studies])
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    present = [verdict for verdict in VERDICTS if any(row["verdict"] == verdict for row in rows)]
    handles = [_cell(0, 0, LOOKS[verdict][0]) for verdict in present]
    labels = [f"{LOOKS[verdict][1]} {verdict}" for verdict in present]
    figure.legend(handles, labels, loc="outside lower center", ncols=len(present))
    return figure


def _cell(x: float, y: float, colour: str):
    return Rectangle((x + 0.02, y - 0.4), 0.94, 0.8, facecolor=colour, edgecolor="#555555", linewidth=0.6)
