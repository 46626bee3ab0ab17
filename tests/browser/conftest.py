"""Headless Chromium and the pages it opens: a made-up ledger of full size, and a small one with everything wrong."""

import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from debian_packages import install
from made_up import made_up

PATIENCE = 120_000  # milliseconds: a busy machine is no fault of the page
expect.set_options(timeout=PATIENCE)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """Path of an installed Chromium; as root on Debian or Ubuntu it is installed first."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found:
        return found
    install("chromium")
    return shutil.which("chromium")


@pytest.fixture(scope="session")
def browser():
    path = chromium()
    if path is None:
        pytest.skip("no Chromium here, so the ledger's page is NOT tested: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def large(tmp_path_factory):
    """47 papers x 6 claims x 5 figures."""
    return made_up(tmp_path_factory.mktemp("large") / "results/laptop")


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """Six papers; one figure of the first is missing."""
    folder = tmp_path_factory.mktemp("small") / "results/laptop"
    made_up(folder, papers=6)
    (folder / "paper_00/figures/figure_0.svg").unlink()
    return made_up(folder, papers=6, drawn=False)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Two papers with one figure each, for the audits, which look at every element."""
    return made_up(tmp_path_factory.mktemp("tiny") / "results/laptop", papers=2, figures=1)


@pytest.fixture
def opened(browser):
    """Function (page file, hash, **context options) -> page, which fails the test on any error of its script."""
    contexts, errors = [], []

    def open_page(file, fragment="", **options):
        context = browser.new_context(**({"viewport": {"width": 1400, "height": 1000}} | options))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto(file.as_uri() + fragment)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors
