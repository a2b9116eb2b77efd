"""A browser without a window, and what the page has in it.

    python -P tests/dashboard/browser.py http://127.0.0.1:8787/ensemble page.png 1440

takes a picture of the page that is there, in that width.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)

PATIENCE = 60.0

READY = "return !!(window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle)"


class Browser:
    """A browser, and questions about the page that it has opened."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, url: str) -> None:
        """Returns when the page is drawn."""
        self.driver.get(url)
        self.wait_for(lambda: self.ask(READY))

    def leave(self) -> None:
        """Leave the page, and forget what its console said."""
        self.driver.get("about:blank")
        self.errors()

    def ask(self, script: str, *arguments: object) -> Any:
        """What JavaScript returns."""
        return self.driver.execute_script(script, *arguments)

    def wait_for(self, found: Callable[[], Any], patience: float = PATIENCE) -> Any:
        """What there is, as soon as there is something."""
        deadline = time.monotonic() + patience
        while not (what := found()):
            assert time.monotonic() < deadline, f"waited in vain\n{self.text}"
            time.sleep(0.05)
        return what

    def wait_until(self, condition: str, *arguments: object) -> None:
        """Returns when a condition of JavaScript's is met, which the browser itself looks at: to
        ask it again and again would take time from it.
        """
        script = f"""
            const done = arguments[arguments.length - 1]
            const met = function () {{ {condition} }}
            const look = () => met(...arguments) ? done() : setTimeout(look, 10)
            look()
        """
        self.driver.set_script_timeout(PATIENCE)
        self.driver.execute_async_script(script, *arguments)

    @property
    def text(self) -> str:
        """What is to be read on the page, that in Bokeh's parts included."""
        script = """
            const words = (node) => node.nodeType == Node.TEXT_NODE ? [node.data]
                : ['SCRIPT', 'STYLE'].includes(node.nodeName) ? []
                : [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes].flatMap(words);
            return words(document.body).join(' ').replace(/\\s+/g, ' ')
        """
        return str(self.ask(script))

    def states(self) -> list[int]:
        """Of every run in the grid, by its number."""
        script = """
            const grid = Bokeh.documents[0].get_model_by_name('grid')
            return grid.children.flatMap(
                (study) => [...study.renderers[0].data_source.get_column('state')])
        """
        return list(self.ask(script))

    def column(self, figure: str, name: str) -> list[list[float]]:
        """A column of each line in a figure, by the order of the models."""
        script = """
            const figure = Bokeh.documents[0].get_model_by_name(arguments[0])
            const sources = new Set(figure.renderers.map((r) => r.data_source))
            return [...sources].map((s) => [...s.get_column(arguments[1])])
        """
        return [list(column) for column in self.ask(script, figure, name)]

    def first_paint(self) -> float:
        """Seconds from asking for the page to the first of its content, by the browser's clock."""
        script = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        return float(self.ask(script)) / 1000

    def errors(self) -> list[str]:
        """What the console calls severe."""
        log = self.driver.get_log("browser")
        return [entry["message"] for entry in log if entry["level"] == "SEVERE"]

    def picture(self, path: Path, width: int, height: int | None = None) -> None:
        """A picture of the page, of all of it unless a height is given."""
        self.driver.set_window_size(width, height or 1000)
        time.sleep(0.5)  # for Bokeh to draw in the new size
        if height is None:
            whole = self.ask("return document.querySelector('main').scrollHeight") + 250
            self.driver.set_window_size(width, whole)
            time.sleep(0.5)
        self.driver.save_screenshot(str(path))


@contextmanager
def chrome(
    folder: Path, width: int = 1440, height: int = 1000, *, requests: bool = False
) -> Iterator[webdriver.Chrome]:
    """Chromium, with a profile in a folder of its own; it writes down what its console says, and
    every request where that is asked for.
    """
    program, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    assert program is not None, "needs Debian's package chromium"
    assert chromedriver is not None, "needs Debian's package chromium-driver"
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={folder}")
    options.add_argument(f"--window-size={width},{height}")
    logs = {"browser": "ALL"} | ({"performance": "ALL"} if requests else {})
    options.set_capability("goog:loggingPrefs", logs)
    driver = webdriver.Chrome(options=options, service=Service(chromedriver))
    try:
        yield driver
    finally:
        driver.quit()


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Chromium, for the page of a scheduler."""
    with chrome(folder) as driver:
        yield Browser(driver)


def main(url: str, file: str, width: str) -> None:
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        browser(Path(folder)) as opened,
    ):
        opened.open(url)
        time.sleep(5)  # for the curves
        opened.picture(Path(file), int(width))


if __name__ == "__main__":
    main(*sys.argv[1:])
