"""Pages in Debian's Chromium: every test fails on a complaint in the console and on a request that leaves the page."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE, DESK = 360, 1280


@dataclass
class Visit:
    """A page in the browser, with what it complained about and what it asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def findings(self) -> list[str]:
        """What axe-core finds serious or critical: rule, help and the first place."""
        violations = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']}: {one['help']}, as in {one['nodes'][0]['html']}"
            for one in violations
            if one["impact"] in {"serious", "critical"}
        ]

    def too_wide(self) -> int:
        """By how many pixels the page is wider than its window."""
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


Open = Callable[..., Visit]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium, as .ci/install does")
    # each launch has a profile of its own, deleted afterwards
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield launched
        launched.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Open]:
    """Opens a page on disk or an address; all that it asks for must lie beside it or on its server."""
    opened: list[tuple[str, Visit]] = []

    def open_page(
        place: Path | str,
        *,
        width: int = DESK,
        scheme: Literal["light", "dark"] = "light",
        javascript: bool = True,
    ) -> Visit:
        address = place.resolve().as_uri() if isinstance(place, Path) else place
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=scheme,
            java_script_enabled=javascript,
            reduced_motion="reduce",
        )
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        seen = Visit(context.new_page())

        def heard(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                seen.complaints.append(message.text)

        def asked(request: Request) -> None:
            seen.requests.append(request.url)

        seen.page.on("console", heard)
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.on("request", asked)
        seen.page.goto(address)
        opened.append((home_of(address), seen))
        return seen

    yield open_page
    for home, seen in opened:
        seen.page.context.close()
        assert seen.complaints == []
        assert [url for url in seen.requests if not url.startswith((home, "data:"))] == []


def home_of(address: str) -> str:
    """The server of an address; for a page on disk `file://`."""
    scheme, _, rest = address.partition("://")
    return "file://" if scheme == "file" else f"{scheme}://{rest.partition('/')[0]}/"
