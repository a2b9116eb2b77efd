"""The page for who does not see it or has no mouse: structure, contrast, keyboard; and hover."""

import itertools
from collections.abc import Iterator

import pytest
from browser import Browser
from schedulers import scheduler
from selenium.webdriver import ActionChains, Keys
from small_stores import CAMPAIGN, SECOND_STUDY, SmallStore, make_store

from ensemble.dashboard.install import NAME, install
from ensemble.results import reduce_group
from ensemble.store import ledger

WHOLE = """
    const nodes = (node) => [node, ...(node.shadowRoot?.childNodes ?? []), ...node.childNodes]
        .flatMap((one) => one === node ? [one] : nodes(one))
    const main = nodes(document.querySelector('main')).filter((node) => node instanceof Element)
"""
"""JavaScript: all elements of the page, those in Bokeh's parts included."""

CONTRAST = """
    const light = (rgb) => {
        const [r, g, b] = rgb.map((v) => v / 255)
            .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number)
    const parent = (element) => element.parentElement ?? element.getRootNode().host
    const behind = (element) => {
        for (let e = element; e; e = parent(e)) {
            const found = numbers(getComputedStyle(e).backgroundColor)
            if (found.length == 3 || found[3] == 1) return found.slice(0, 3)
        }
        return [255, 255, 255]
    }
    return main
        .filter((e) => [...e.childNodes].some((n) => n.nodeName == '#text' && /\\w/.test(n.data)))
        .filter((e) => !['SCRIPT', 'STYLE'].includes(e.nodeName) && e.checkVisibility())
        .map((e) => {
            const pair = [numbers(getComputedStyle(e).color).slice(0, 3), behind(e)].map(light)
            return [e.textContent.trim().slice(0, 60),
                    (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05)]
        })
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> SmallStore:
    """Two temperatures by Green–Kubo, one by the direct method, and a run that failed."""
    made = make_store(
        tmp_path_factory.mktemp("access"), CAMPAIGN.replace("[1.35]", "[0.9, 1.35]") + SECOND_STUDY
    )
    *whole, failed = made.plan.runs("gk")
    for run in [*whole, *made.plan.runs("direct")]:
        made.finish(run)
    made.finish(failed, segments=3)
    (made.paths.run(failed) / "segment-0003.log").write_text("ERROR: <b>lost</b> atoms\n")
    about = {"segment": 3, "cause": "lost_atoms", "message": "lost <i>atoms</i>"}
    ledger.append(made.paths, ledger.event_of(failed, "failed", **about))
    reduce_group(made.paths.root, "direct", (0, 0, 0))
    return made


@pytest.fixture(scope="module")
def opened(store: SmallStore, chromium: Browser) -> Iterator[Browser]:
    """The page of the store, when there are curves on it."""
    with scheduler() as client:
        assert client.run_on_scheduler(install, str(store.paths.root), "ensemble")
        chromium.open(client.dashboard_link.replace("status", NAME))
        chromium.wait_for(lambda: any(chromium.column("kappa", "kappa")))
        chromium.wait_for(lambda: any(chromium.column("profile", "temperature")))
        chromium.wait_for(lambda: "No group of runs" not in chromium.text)
        yield chromium
        chromium.leave()


@pytest.fixture
def page(opened: Browser) -> Iterator[Browser]:
    """The same; no error may come."""
    yield opened
    assert opened.errors() == []


def test_structure(page: Browser) -> None:
    """Headings, figures with captions, tables that are tables; what a log says stays text."""
    headings = page.ask(
        WHOLE + "return main.map((e) => e.nodeName).filter((name) => /^H\\d$/.test(name))"
    )
    assert headings.count("H1") == 1
    assert set(headings[1:]) == {"H2"}
    assert page.ask("return document.documentElement.lang") == "en"
    captions = page.ask(
        """return [...document.querySelectorAll('figure')].map(
            (figure) => figure.querySelector('figcaption')?.innerText)"""
    )
    assert all(captions)
    tables = page.ask(
        WHOLE
        + """return main.filter((e) => e.nodeName == 'TABLE').map((table) => [
            table.caption?.innerText.length,
            table.querySelectorAll('thead th:not([scope=col])').length,
            table.querySelectorAll('tbody tr').length,
            table.querySelectorAll('tbody th[scope=row]').length])"""
    )
    assert len(tables) == 3
    for caption, without_scope, rows, named in tables:
        assert caption
        assert without_scope == 0
        assert rows == named > 0
    assert "lost <i>atoms</i>" in page.text
    assert "ERROR: <b>lost</b> atoms" in page.text


def test_contrast(page: Browser) -> None:
    """Of all text, AA of the WCAG."""
    found = page.ask(WHOLE + CONTRAST)
    assert len(found) > 30
    assert [text for text, ratio in found if ratio < 4.5] == []


def test_keyboard(page: Browser) -> None:
    """A condition is chosen without a mouse, and its curves come."""
    before = page.column("kappa", "kappa")
    focused = "return document.activeElement.shadowRoot?.activeElement?.nodeName"
    for _ in itertools.takewhile(lambda _: page.ask(focused) != "SELECT", range(60)):
        ActionChains(page.driver).send_keys(Keys.TAB).perform()
    ActionChains(page.driver).send_keys(Keys.ARROW_DOWN).perform()
    page.wait_for(lambda: page.column("kappa", "kappa") not in (before, [[]]))


def test_hover(page: Browser, store: SmallStore) -> None:
    """A square tells what is known of its run."""
    place = page.ask(
        """
        const model = Bokeh.documents[0].get_model_by_name('grid').children[0]
        const view = Bokeh.index.find_one(model), source = model.renderers[0].data_source
        const row = source.get_column('run').indexOf(arguments[0])
        view.el.scrollIntoView()
        const box = view.el.getBoundingClientRect(), frame = view.frame
        return [box.x + frame.x_scale.compute(source.get_column('x')[row]),
                box.y + frame.y_scale.compute(source.get_column('y')[row])].map(Math.round)
        """,
        list(store.plan.runs("gk"))[-1].name,
    )
    pointer = ActionChains(page.driver)
    pointer.w3c_actions.pointer_action.move_to_location(*place)
    pointer.perform()
    told = page.wait_for(lambda: "attempts:" in page.text and page.text)
    assert "failed" in told
    assert "lost <i>atoms</i>" in told
