"""Options of the tests, and none of hypothesis' limits of time: a slow or busy machine finds the same."""

from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_addoption(parser):
    parser.addoption(
        "--all-studies", action="store_true", help="all studies by Snakemake, here and on SLURM, not some of them"
    )
