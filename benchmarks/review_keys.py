"""From a key to the next record on the screen, while every answer of the server takes longer.

    python -m benchmarks.review_keys [--delay MS] [--decisions N] [--pause MS] [--json]

A real Chromium on the page of the review room, served by gunicorn on SQLite. Chromium itself delays every request by
``--delay``. The time runs, inside the page, from the key's event to the first frame after the next record has the
stage. Somebody who decides faster than answers come back outruns the cards in hand; ``--pause`` is the time
between two keys.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from typing import Any

from benchmarks.databases import child, environment_of
from benchmarks.review_load import served
from tests import servers

LISTEN = """() => {
  window.taken = [];
  let pressed = 0;
  addEventListener("keydown", () => { pressed = performance.now(); }, { capture: true });
  new MutationObserver(() => {
    if (!pressed || !document.querySelector("[data-stage] [data-card]")) return;
    const from = pressed;
    pressed = 0;
    requestAnimationFrame(() => window.taken.push(performance.now() - from));
  }).observe(document.querySelector("[data-stage]"), { childList: true });
}"""


def main() -> int:
    options = parse()
    with environment_of("sqlite") as environment:
        sizes = ["--records", str(options.decisions + 50), "--annotators", "1"]
        filled = child("benchmarks.review_load", ["--step", "fill", *sizes], environment)
        with served(environment) as (port, _):
            taken = sorted(pressed(options, port, filled))
    found = {
        "delay_ms": options.delay,
        "decisions": len(taken),
        "key_to_next_p50_ms": round(statistics.median(taken), 1),
        "key_to_next_p95_ms": round(taken[int(0.95 * (len(taken) - 1))], 1),
        "key_to_next_max_ms": round(taken[-1], 1),
    }
    print(
        json.dumps(found, indent=2)
        if options.json
        else "\n".join(f"{k:<20} {v:>8,}" for k, v in found.items())
    )
    return 0 if len(taken) == options.decisions else 1


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--delay", type=int, default=400)
    parser.add_argument("--decisions", type=int, default=100)
    parser.add_argument("--pause", type=int, default=800)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def pressed(options: argparse.Namespace, port: int, filled: dict[str, Any]) -> list[float]:
    """Milliseconds from each key to its next record."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    flags = ["--no-sandbox", "--disable-gpu"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=servers.chromium(), args=flags)
        context = browser.new_context(
            base_url=f"http://127.0.0.1:{port}", viewport={"width": 1440, "height": 900}
        )
        cookie = {"name": "sessionid", "value": filled["sessions"][0], "url": f"http://127.0.0.1:{port}"}
        context.add_cookies([cookie])  # type: ignore[list-item]  # playwright's own TypedDict
        page = context.new_page()
        page.goto(f"{filled['room']}/")
        page.wait_for_selector("[data-card]")
        page.wait_for_load_state("networkidle")
        network = {
            "offline": False,
            "latency": options.delay,
            "downloadThroughput": -1,
            "uploadThroughput": -1,
        }
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", network)
        page.evaluate(LISTEN)
        for _ in range(options.decisions):
            page.keyboard.press("a")
            page.wait_for_timeout(options.pause)
        taken: list[float] = page.evaluate("window.taken")
        browser.close()
    return taken


if __name__ == "__main__":
    sys.exit(main())
