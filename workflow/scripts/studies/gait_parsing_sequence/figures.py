"""Figures of the study: one function for each, of the name that the yaml gives it."""

from pesin.plot.style import legend, named, panels


def exponents(study):
    """Exponents of all orbits, of the case and of its control."""
    figure, axes = panels(width=3.5)
    ax = axes[0, 0]
    for case in ("chaotic", "periodic"):
        values = study[f"entropy/{case}"].lyapunov_exponent
        ax.plot(values.seed, values, "o", label=case)
    ax.axhline(0, color="k", lw=0.8)
    ax.set(xlabel="orbit", ylabel=named(values))
    legend(ax)
    return figure
