"""Options of the tests."""


def pytest_addoption(parser):
    parser.addoption("--all-studies", action="store_true", help="cluster tests: all studies, not the toy alone")
