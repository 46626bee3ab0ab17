"""Figures of the toy study."""

from pesin.plot.style import named, panels


def exponents(study):
    figure, axes = panels(width=3.5)
    for i, case in enumerate(("chaotic", "contracting")):
        values = study[f"entropy/{case}"].lyapunov_exponent
        axes[0, 0].plot([i] * values.size, values, "o", label=case)
    axes[0, 0].axhline(0, color="k")
    axes[0, 0].set(xlabel="case", ylabel=named(values))
    axes[0, 0].legend()
    return figure
