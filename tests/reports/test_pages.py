"""How a report is drawn, looked at as words on pages."""

import subprocess
import sys
from datetime import date, timedelta
from typing import Any

import pypdfium2
import pytest

from hubbub.reports.pages.text import drawable, duration, load_fonts, number, percent
from hubbub.reports.schemas.contents import Content
from hubbub.reports.service.drawing import DrawingError, draw

HOSTILE = [
    "<b>bold</b> & <a href='x'>link</a>",
    "\u202egnol\u202c",
    "שלום עולם",
    "田中さん",
    "😀" * 10,
    "x" * 5000,
    "\x00\x1b[31m",
    "%s %d {0}",
    "",
]


def days(many: int, *fields: str) -> list[dict[str, Any]]:
    first = date(2026, 1, 1)
    return [
        {"day": (first + timedelta(days=place)).isoformat()} | dict.fromkeys(fields, place % 7)
        for place in range(many)
    ]


def activity(**more: Any) -> Content:
    rows = range(40)
    found = {
        "totals": {"messages": 10**9},
        "days": days(8, "messages", "deliveries"),
        "agents": [{"agent": f"agent-{n}", "sent": n, "received": 1} for n in rows],
        "pairs": [{"sender": "a" * 64, "recipient": f"r-{n}", "messages": n} for n in rows],
        "threads": [],
        "rooms": [],
    }
    return Content.model_validate(
        {
            "report_id": "0199a0c5-dbaf-7e7c-8f91-98f919f84a8c",
            "kind": "activity",
            "span": "hub",
            "hub": "Hubbub",
            "made_for": "Ann",
            "since": "2026-01-01T00:00:00Z",
            "until": "2026-01-09T00:00:00Z",
            "generated_at": "2026-01-09T00:00:00Z",
            "activity": found,
        }
        | more
    )


async def pages(content: Content) -> list[str]:
    drawn = await draw(content.model_dump_json().encode())
    document = pypdfium2.PdfDocument(drawn)
    return [page.get_textpage().get_text_range() for page in document]


async def test_what_is_on_the_pages() -> None:
    found = await pages(activity())
    assert "1 Jan 2026 – 9 Jan 2026" in found[0]
    assert "For Ann, about the whole hub" in found[0]
    assert "agent-0" in found[0]
    many = len(found)
    assert many > 2
    for place, page in enumerate(found, 1):
        assert f"{place} / {many}" in page
        assert "generated 2026-01-09 00:00 UTC" in page
    # a table that goes on says on each page what stands in it
    assert sum("Received" in page for page in found) > 1


@pytest.mark.parametrize("name", HOSTILE)
async def test_names_do_no_harm(name: str) -> None:
    [first, *_] = await pages(activity(made_for=name, hub=name))
    assert "Messages by day" in first


@pytest.mark.parametrize("many", [1, 92, 93, 366])
async def test_any_length_of_time(many: int) -> None:
    content = activity()
    assert content.activity is not None
    longer = content.activity.model_dump() | {"days": days(many, "messages", "deliveries")}
    [first, *_] = await pages(activity(activity=longer))
    assert ("a bar for each day" in first) == (many <= 92)


async def test_a_content_that_is_none() -> None:
    with pytest.raises(DrawingError):
        await draw(b"{}")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ann <b>", "Ann <b>"),
        ("שלום", "םולש"),
        ("田 x", "□ x"),
        ("\u202eabc\n\td", "abcd"),
        ("Ångström Łódź Ωμέγα Привет", "Ångström Łódź Ωμέγα Привет"),
        ("", "—"),
    ],
)
def test_names_as_the_font_has_them(name: str, shown: str) -> None:
    load_fonts()
    assert drawable(name) == shown


def test_numbers() -> None:
    assert number(1234567) == "1\u202f234\u202f567"
    assert [percent(each) for each in (None, 0, 0.5, 0.99999, 1)] == [
        "—",
        "0.0 %",
        "50.0 %",
        "99.9 %",
        "100 %",
    ]
    times = [duration(each) for each in (None, 0.0423, 3.21, 75, 720, 7200, 864_000)]
    assert times == ["—", "42 ms", "3.2 s", "75 s", "12 min", "2.0 h", "10.0 days"]


def test_the_hub_carries_nothing_of_what_draws() -> None:
    look = "import sys, hubbub.app; sys.exit('reportlab' in sys.modules)"
    subprocess.run([sys.executable, "-c", look], check=True, timeout=60)
