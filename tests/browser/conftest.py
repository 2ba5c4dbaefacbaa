"""A real Chromium on the real desk. Console errors (a refused script or style among them) fail the test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
]
# Where pictures of what the test saw are kept, for people to look at; nowhere unless asked for.
PICTURES = os.environ.get("PICTURES", "")

# As patient as what one does on a page: the desk may share its processor with much else.
expect.set_options(timeout=30_000)

# Playwright keeps an event loop in this thread; Django would take its own calls for asynchronous ones.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def a_visitor(chromium: Browser, live_desk: str) -> Iterator[Callable[..., Page]]:
    """Opens the desk in a browser of its own: `a_visitor(username, language, width)`, signed in.

    `options`: further ones of the browser's context.
    """
    complaints: list[str] = []
    contexts = []

    def visit(username: str, language: str = "en", width: int = 1280, **options: Any) -> Page:
        context = chromium.new_context(
            locale={"en": "en-US", "zh-hans": "zh-CN"}[language],
            viewport={"width": width, "height": 900},
            base_url=live_desk,
            timezone_id="Asia/Shanghai",
            **options,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/")
        page.fill("#id_username", username)
        page.fill("#id_password", PASSWORD)
        page.press("#id_password", "Enter")
        page.wait_for_url("**/admin/")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []


PASSWORD = "the same long words for everybody here"


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Callable[[Page, str], None]:
    """Keeps a picture of the page where PICTURES names a directory."""

    def take(page: Page, name: str) -> None:
        if PICTURES:
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)

    return take
