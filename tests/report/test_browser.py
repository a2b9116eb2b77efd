"""The report in a real browser: nothing is loaded, nothing complains, nothing hangs over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser import chrome
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from ensemble.report import Written

WIDTHS = (1280, 400)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Chromium, which writes down every request and every message."""
    with chrome(tmp_path_factory.mktemp("profile"), requests=True) as found:
        found.get("about:blank")  # in place of the page that new tabs show
        yield found


def open_page(browser: Chrome, page: Path, width: int) -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(page.as_uri())


def requests(browser: Chrome) -> list[str]:
    """Addresses that were asked for since the last call."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_opens_by_itself(browser: Chrome, written: Written, width: int) -> None:
    requests(browser)
    open_page(browser, written.page, width)
    asked = requests(browser)
    assert written.page.as_uri() in asked
    assert {urlsplit(address).scheme for address in asked} <= {"file", "data"}
    assert [address for address in asked if address.startswith("file:")] == [written.page.as_uri()]
    assert browser.get_log("browser") == []
    images = browser.find_elements(By.TAG_NAME, "img")
    assert len(images) == written.count
    for image in images:
        assert browser.execute_script("return arguments[0].naturalWidth", image) > 100


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_hangs_over(browser: Chrome, written: Written, width: int) -> None:
    """What is wider than the window scrolls inside its box, which the keyboard reaches."""
    open_page(browser, written.page, width)
    inside, all_of_it = browser.execute_script(
        "const e = document.documentElement; return [e.clientWidth, e.scrollWidth]"
    )
    assert all_of_it <= inside <= width
    boxes = browser.find_elements(By.CLASS_NAME, "scroll")
    wide = [box for box in boxes if int(box.get_property("scrollWidth")) > inside]
    assert len(wide) >= (width == 400)
    for box in boxes:
        assert box.rect["x"] + box.rect["width"] <= inside + 1
        assert box.get_attribute("tabindex") == "0"
        assert box.accessible_name
    for image in browser.find_elements(By.TAG_NAME, "img"):
        assert image.rect["x"] + image.rect["width"] <= inside + 1


def test_the_keyboard_skips_to_the_verdict(browser: Chrome, written: Written) -> None:
    open_page(browser, written.page, WIDTHS[0])
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    skip = browser.switch_to.active_element
    assert skip.text == "Skip to the verdict"
    assert skip.rect["x"] >= 0
    skip.send_keys(Keys.ENTER)
    assert browser.current_url == f"{written.page.as_uri()}#verdict"


def test_what_a_screen_reader_is_told(browser: Chrome, written: Written) -> None:
    """By the browser's own tree of accessible names."""
    open_page(browser, written.page, WIDTHS[0])
    for tag, role in (("img", "image"), ("table", "table"), ("section", "region")):
        found = browser.find_elements(By.TAG_NAME, tag)
        assert found
        for element in found:
            assert element.aria_role in (role, "img" if role == "image" else role)
            assert element.accessible_name, element.get_attribute("outerHTML")[:200]
