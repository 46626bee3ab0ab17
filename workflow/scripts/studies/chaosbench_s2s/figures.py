"""stub"""

from pesin.plot.style import panels


def skill(study):
    return panels()[0]


def spectra(study):
    return panels()[0]


def strategies(study):
    return panels()[0]


def twins(study):
    return panels()[0]
