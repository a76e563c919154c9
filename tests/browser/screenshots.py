"""Writes docs/package/*.png: `python tests/browser/screenshots.py`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import browsing

ROOT = Path(__file__).resolve().parents[2]
SHOTS = [
    # name, events, language, zone, scheme, width, what to open first
    ("overview", 300, "en", "Europe/Berlin", "light", 1180, "top"),
    ("overview-dark", 300, "en", "Europe/Berlin", "dark", 1180, "top"),
    ("events", 300, "en", "Europe/Berlin", "light", 1180, "timeline"),
    ("telephone", 300, "de", "Europe/Berlin", "light", 390, "top"),
    ("telephone-events", 300, "de", "Europe/Berlin", "dark", 390, "timeline"),
    ("law", 300, "fr", "Europe/Paris", "light", 1180, "law"),
    ("years", 5_400, "es", "Europe/Madrid", "light", 1180, "timeline"),
]


def main(into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    made: dict[str, Path] = {}
    with tempfile.TemporaryDirectory() as folder, browsing.browser() as browser:
        for name, events, language, zone, scheme, width, part in SHOTS:
            key = f"{events}-{language}"
            if key not in made:
                made[key] = browsing.package(
                    Path(folder, key),
                    "ada@example.com",
                    events,
                    language=language,
                    timezone=zone,
                    templates=os.environ.get("TEMPLATES"),
                )
            page = browser.new_context(
                color_scheme=scheme,
                viewport={"width": width, "height": 820 if width < 500 else 900},
            ).new_page()
            page.goto((made[key] / "index.html").as_uri())
            if part != "top":
                top = "each => each.scrollIntoView({behavior: 'instant'})"
                page.locator(f"#{part}").evaluate(top)
                event = page.locator("details.event summary")
                if part == "timeline" and event.count():
                    event.nth(1).click()
            page.mouse.move(0, 0)
            page.screenshot(path=into / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "package")
