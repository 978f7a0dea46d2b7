"""The page in a real browser: nothing runs, nothing is fetched, texts are shown as texts."""

import datetime as dt
import html
import json
import os
import re
import shutil
import subprocess
from typing import NamedTuple

import pytest

import supplyrisk as sr
from supplyrisk import report

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
NAME = "<script>document.title='owned'</script>"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--virtual-time-budget=5000",
    "--enable-logging=stderr",
    "--v=0",
    "--dump-dom",
)

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason=f"no browser: none of {', '.join(NAMES)} is installed"
)


class Visit(NamedTuple):
    """What came of opening a page: its DOM, what the console said, what the page asked for."""

    dom: str
    console: list[str]
    requests: list[str]

    @property
    def title(self):
        return html.unescape(re.findall(r"<title>(.*?)</title>", self.dom, re.DOTALL)[0])


@pytest.fixture
def visit(tmp_path):
    def run(text):
        path, log = tmp_path / "page.html", tmp_path / "net.json"
        path.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [
                BROWSER,
                *FLAGS,
                f"--user-data-dir={tmp_path / 'profile'}",
                f"--log-net-log={log}",
                path.as_uri(),
            ],
            capture_output=True,
            env=os.environ | {"HOME": str(tmp_path)},
            text=True,
            timeout=120,
            check=False,
        )
        assert "</html>" in done.stdout, done.stderr
        console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
        return Visit(done.stdout, console, list(requests(json.loads(log.read_text("utf-8")))))

    return run


def requests(log):
    """Yield the addresses that the page asked for; the browser's own have no origin."""
    kinds = {number: name for name, number in log["constants"]["logEventTypes"].items()}
    for event in log["events"]:
        found = event.get("params", {})
        started = kinds[event["type"]] == "URL_REQUEST_START_JOB" and "url" in found
        if started and found.get("initiator") != "not an origin":
            yield found["url"]


@pytest.fixture(scope="module")
def outlook():
    case = sr.load_case("walikale-2025")
    start = case.start
    attacked = case.with_values(
        {
            "sites.bisie.name": f"Bisie {NAME}",
            "exposures.solder-maker.name": f"Solder {NAME}",
            "evidence.walikale-taken.statement": f"Seen </style></title>{NAME}",
            "sources.founding-news.title": f"Title {NAME}",
            "sources.usgs-mcs-2025.url": 'https://example.org/"><img src=x onerror=alert(1)>',
            "not_quantified": (f"Missing <img src=https://example.org/x.png>{NAME}",),
        }
    )
    assert attacked.start == start == dt.date(2025, 3, 20)
    return sr.simulate(attacked, 500, rng=7, keep="events")


def test_the_page_runs_nothing_and_asks_for_nothing(visit, outlook):
    text = report.page(outlook, outcome=sr.load_outcome("walikale-2025"))
    seen = visit(text)
    assert seen.console == []
    assert [address for address in seen.requests if not address.startswith("data:")] == []
    assert seen.title == "walikale-2025: tin supply risk"
    assert "<script" not in seen.dom
    shown = html.unescape(re.sub(r"<[^>]*>", "", seen.dom))
    for what in ("Bisie", "Solder", "Title"):
        assert f"{what} {NAME}" in shown
    assert f"Seen </style></title>{NAME}" in shown
    assert f"Missing <img src=https://example.org/x.png>{NAME}" in shown


def test_the_policy_holds_even_if_a_text_were_not_escaped(visit, outlook):
    text = report.page(outlook)
    broken = text.replace("</main>", f"{NAME}<img src='https://example.org/x.png'></main>")
    seen = visit(broken)
    assert seen.title == "walikale-2025: tin supply risk"
    assert "<script>" in seen.dom
    assert len(seen.console) >= 2
    assert all("Content Security Policy" in line for line in seen.console)
    assert not [address for address in seen.requests if not address.startswith("data:")]


def test_the_visit_notices_scripts_errors_and_requests(visit):
    seen = visit(
        "<!DOCTYPE html><html><head><title>calm</title></head><body>"
        f"{NAME}<script>missing()</script>"
        "<img src='https://example.org/x.png'></body></html>"
    )
    assert seen.title == "owned"
    assert any("missing is not defined" in line for line in seen.console)
    assert "https://example.org/x.png" in seen.requests
