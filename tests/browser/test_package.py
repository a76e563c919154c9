"""What a person who opens their package sees, does, and does not have to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

Package = Callable[..., Path]

SCHEMES = ["light", "dark"]
# Somebody may have chosen such a name; the page must show it and do nothing else with it.
HOSTILE = "<img src=x onerror=alert(1)></style><script>alert(2)</script>"


def watch(page: Page) -> tuple[list[str], list[str]]:
    """What the page asks for, and what it complains about."""
    requests: list[str] = []
    messages: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("dialog", lambda dialog: messages.append(dialog.message))
    return requests, messages


def opened(browser: Browser, file: Path, **context: Any) -> Page:
    page = browser.new_context(**context).new_page()
    page.goto(file.as_uri())
    return page


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"][:3]]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("what", ["usual", "hostile", "german", "nothing", "overview", "long page"])
def test_anybody_can_use_it(browser: Browser, package: Package, what: str, scheme: Any) -> None:
    file = {
        "usual": lambda: package() / "index.html",
        "hostile": lambda: package(HOSTILE, 40) / "index.html",
        "german": lambda: package(language="de", timezone="Europe/Berlin") / "index.html",
        "nothing": lambda: package(events=0) / "index.html",
        "overview": lambda: package(events=5_400) / "index.html",
        "long page": lambda: sorted((package(events=5_400) / "pages").iterdir())[0],
    }[what]()
    page = browser.new_context(color_scheme=scheme).new_page()
    requests, messages = watch(page)
    page.goto(file.as_uri())
    assert requests == [file.as_uri()]
    page.locator("details.event").first.evaluate_all("all => all.forEach(one => one.open = true)")
    if what == "long page":
        # What repeats a thousand times is judged by its first hundred.
        page.evaluate("document.querySelectorAll('details.event').forEach((e, n) => n > 99 && e.remove())")
    assert violations(page) == []
    assert messages == []
    assert len(requests) == 1


def test_a_bad_page_is_found_out(browser: Browser, package: Package, tmp_path: Path) -> None:
    """What `violations` says of a package is worth something only if it can say otherwise."""
    text = (package() / "index.html").read_text(encoding="utf-8")
    worse = {
        "html-has-lang": ('lang="en"', ""),
        "color-contrast": ("--soft:#56605c", "--soft:#d0d4d2"),
        "image-alt": ("</main>", '<img src="data:,"></main>'),
    }
    for rule, (good, bad) in worse.items():
        assert good in text, rule
        file = tmp_path / f"{rule}.html"
        # The policy would hide a changed style.
        changed = text.replace(good, bad, 1).replace("Content-Security-Policy", "x")
        file.write_text(changed, encoding="utf-8")
        page = opened(browser, file, color_scheme="light")
        assert any(each.startswith(rule) for each in violations(page)), rule


def test_a_second_request_is_found_out(browser: Browser, package: Package, tmp_path: Path) -> None:
    text = (package() / "index.html").read_text(encoding="utf-8")
    file = tmp_path / "index.html"
    (tmp_path / "x.css").write_text("")
    link = '<link rel="stylesheet" href="x.css"></head>'
    file.write_text(text.replace("</head>", link, 1), encoding="utf-8")
    page = browser.new_context().new_page()
    requests, messages = watch(page)
    page.goto(file.as_uri())
    assert len(requests) + len(messages) > 1, "refused by the policy, and said so"


def test_hostile_names_stay_text(browser: Browser, package: Package) -> None:
    page = opened(browser, package(HOSTILE, 40) / "index.html")
    assert page.locator("#identifiers ~ ul code").first.inner_text() == HOSTILE
    assert page.locator("script, img, iframe, object, form, link").count() == 0


def test_it_works_without_scripts(browser: Browser, package: Package) -> None:
    page = opened(browser, package() / "index.html", java_script_enabled=False)
    event = page.locator("details.event").first
    facts = event.locator("dl")
    assert not facts.is_visible()
    event.locator("summary").click()
    assert facts.is_visible()
    assert "We hold 300 events" in page.locator(".lead").inner_text()


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_it_fits_every_screen(browser: Browser, package: Package, width: int) -> None:
    for file in [package() / "index.html", package(HOSTILE, 40) / "index.html"]:
        page = opened(browser, file, viewport={"width": width, "height": 800})
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width


def test_a_keyboard_is_enough(browser: Browser, package: Package) -> None:
    page = opened(browser, package() / "index.html")
    focused = "document.activeElement"
    page.keyboard.press("Tab")
    assert page.evaluate(f"{focused}.textContent") == "Skip to your data"
    box = page.locator(".skip").bounding_box()
    assert box is not None and box["y"] >= 0, "the link is seen when it has the focus"
    page.keyboard.press("Enter")
    assert page.evaluate(f"{focused}.id") == "main"
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(f"{focused}.tagName + ' ' + {focused}.parentElement.className"))
        outline = page.evaluate(f"getComputedStyle({focused}).outlineStyle")
        assert outline != "none", seen[-1]
        if seen[-1] == "SUMMARY event":
            break
    assert seen[-1] == "SUMMARY event", seen
    page.keyboard.press("Enter")
    assert page.evaluate(f"{focused}.parentElement.open")


def test_pages_lead_to_each_other(browser: Browser, package: Package) -> None:
    folder = package(events=5_400)
    page = opened(browser, folder / "index.html")
    links = page.locator(".tiles a")
    shown = 0
    for n in range(links.count()):
        file = folder / str(links.nth(n).get_attribute("href"))
        shown += file.read_text(encoding="utf-8").count('class="event"')
    assert shown == 5_400
    links.first.click()
    page.locator("a[rel=prev]").first.click()
    page.get_by_role("link", name="Back to the overview").first.click()
    assert page.url == (folder / "index.html").as_uri()


def test_its_print_is_tagged_and_whole(browser: Browser, package: Package, tmp_path: Path) -> None:
    page = opened(browser, package(events=12) / "index.html")
    path = tmp_path / "print.pdf"
    page.pdf(path=path, format="A4", tagged=True, print_background=True)
    data = path.read_bytes()
    assert b"/StructTreeRoot" in data and b"/Lang (en" in data
    page.emulate_media(media="print")
    assert page.locator("details.event dl").last.is_visible(), "closed parts are printed too"


def test_the_manifest_describes_what_was_opened(package: Package) -> None:
    manifest = json.loads((package() / "manifest.json").read_text(encoding="utf-8"))
    assert {each["path"] for each in manifest["files"]} >= {"index.html", "README.txt"}
    assert manifest["counts"]["events"] == 300
