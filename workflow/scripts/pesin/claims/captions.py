"""Writes the captions of a study's figures for Snakemake's report: claim, what to look at, verdict, files."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment

from pesin.claims.ledger import number
from pesin.claims.prose import filled
from pesin.config.models import Study


def captions(name: str, study: Study, rows: list[dict], folder: Path, template: Path) -> str:
    """Return one rst template for all figures of a study.

    Snakemake renders it with the job's wildcards: the text of the figure at hand is chosen by `wildcards.figure`. It
    is written after the judging, so that a caption knows its verdict and a new tolerance reruns no figure.

    Parameters
    ----------
    name, study, rows
        The study and the rows that its judging gave.
    folder
        Where its results lie.
    template
        The rst template of one caption (jinja2).
    """
    environment = Environment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = number
    environment.filters["rst"] = _escaped
    source = environment.from_string(template.read_text(encoding="utf-8"))
    verdicts = {row["claim"]: row for row in rows}
    blocks = []
    for figure, spec in study.figures.items():
        text = source.render(
            name=name,
            study=study,
            figure=figure,
            spec=spec,
            look=filled(spec.look, verdicts),
            folder=folder,
            rows=[verdicts[claim] for claim in spec.claims],
            deviations=[d for d in study.deviations if set(d.claims) & set(spec.claims)],
        )
        test = f'snakemake.wildcards.figure == "{figure}"'
        blocks.append(f"{{% if {test} %}}{{% raw %}}\n{text}\n{{% endraw %}}{{% endif %}}\n")
    return "".join(blocks)


def _escaped(text: str) -> str:
    """Plain text as rst: nothing in it is markup."""
    marked = "".join(f"\\{letter}" if letter in r"\*`|_:<>[]" else letter for letter in " ".join(str(text).split()))
    return marked.replace("{%", "{ %").replace("{{", "{ {")
