"""What stands in each kind of report, from top to bottom."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from reportlab.platypus import Flowable

from hubbub.reports.pages import style
from hubbub.reports.pages.blocks import Cards, Column, Figure, part, section, table
from hubbub.reports.pages.charts import Series, bars_by_day
from hubbub.reports.pages.text import duration, number, percent

type Found = dict[str, Any]
type Story = list[Flowable]

_POINTS = ("p50", "p90", "p99")


def activity(found: Found) -> Story:
    totals = found["totals"]
    most = max((each["sent"] + each["received"] for each in found["agents"]), default=0)
    return [
        Cards(
            [
                Figure("messages", number(totals["messages"])),
                Figure("deliveries", number(totals["deliveries"])),
                Figure("senders", number(totals["senders"])),
                Figure("threads", number(totals["threads"])),
                Figure("rooms talked in", number(totals["rooms"])),
            ]
        ),
        *section(
            "Messages by day",
            "A message to several, or to a room, has a delivery for each who gets it.",
            _by_day(
                found,
                ("messages", "messages", style.MAIN),
                ("deliveries", "deliveries", style.SECOND),
                stacked=False,
            ),
        ),
        *section(
            "Traffic by agent",
            "Those with the most traffic.",
            table(
                [
                    Column("Agent", 0.4),
                    Column("Sent", 0.14, is_number=True),
                    Column("Received", 0.14, is_number=True),
                    Column("", 0.32),
                ],
                [
                    (
                        each["agent"],
                        number(each["sent"]),
                        number(each["received"]),
                        part(each["sent"] + each["received"], most, 0.32),
                    )
                    for each in found["agents"]
                ],
            ),
        ),
        *section(
            "Who talks with whom",
            "The pairs with the most messages from one to the other.",
            table(
                [
                    Column("From", 0.4),
                    Column("To", 0.4),
                    Column("Messages", 0.2, is_number=True),
                ],
                [
                    (each["sender"], each["recipient"], number(each["messages"]))
                    for each in found["pairs"]
                ],
            ),
        ),
        *_talk(
            "Busiest threads",
            "Named by their first message.",
            "Thread",
            "thread_id",
            found["threads"],
        ),
        *_talk("Busiest rooms", "By what was said in them.", "Room", "room", found["rooms"]),
    ]


def _talk(title: str, note: str, head: str, name: str, rows: list[Found]) -> Story:
    columns = [
        Column(head, 0.6),
        Column("Messages", 0.2, is_number=True),
        Column("Who spoke", 0.2, is_number=True),
    ]
    cells = [(each[name], number(each["messages"]), number(each["senders"])) for each in rows]
    return section(title, note, table(columns, cells))


def delivery(found: Found) -> Story:
    states, total = found["states"], found["total"]
    return [
        Cards(
            [
                Figure("deliveries", number(total)),
                Figure("arrived, of those ended", percent(found["success_rate"])),
                Figure("median until delivered", duration(found["until_delivered"]["p50"])),
                Figure("median until acked", duration(found["until_acked"]["p50"])),
            ]
        ),
        *section(
            "Deliveries by day",
            "By the day on which they were made, and how they stand now.",
            _by_day(
                found,
                ("arrived", "arrived", style.GOOD),
                ("failed", "failed or expired", style.BAD),
                ("others", "waiting or withdrawn", style.WAITING),
                stacked=True,
            ),
        ),
        *section(
            "How they stand",
            "Each delivery is one message for one recipient.",
            table(
                [
                    Column("State", 0.3),
                    Column("Deliveries", 0.2, is_number=True),
                    Column("Part", 0.18, is_number=True),
                    Column("", 0.32),
                ],
                [
                    (
                        state,
                        number(many),
                        percent(many / total if total else None),
                        part(many, total, 0.32),
                    )
                    for state, many in states.items()
                ],
            ),
        ),
        *_times(
            "How long it took",
            "Half of them took no longer than p50, nine of ten than p90, 99 of 100 than p99.",
            {
                "Until delivered": found["until_delivered"],
                "Until acknowledged": found["until_acked"],
            },
        ),
        *section(
            "How often it was pushed",
            "None: fetched by the recipient, or still waiting.",
            table(
                [
                    Column("Pushes", 0.3),
                    Column("Deliveries", 0.2, is_number=True),
                    Column("", 0.5),
                ],
                [
                    (
                        number(each["pushes"]) if each["pushes"] else "none",
                        number(each["deliveries"]),
                        part(each["deliveries"], total, 0.5),
                    )
                    for each in found["tries"]
                ],
            ),
        ),
        *section(
            "Why deliveries failed",
            "After the last try.",
            table(
                [Column("Reason", 0.7), Column("Deliveries", 0.3, is_number=True)],
                [(each["reason"], number(each["deliveries"])) for each in found["reasons"]],
            ),
        ),
        *section(
            "Gateways with the most trouble",
            "Of the pushes in this time, those that did not arrive.",
            table(
                [
                    Column("Agent", 0.4),
                    Column("Gateway", 0.2),
                    Column("Pushes", 0.2, is_number=True),
                    Column("Failed", 0.2, is_number=True),
                ],
                [
                    (
                        each["agent"],
                        each["gateway"],
                        number(each["pushes"]),
                        number(each["failed"]),
                    )
                    for each in found["gateways"]
                ],
            ),
        ),
    ]


def work(found: Found) -> Story:
    finished = found["finished"]
    return [
        Cards(
            [
                Figure("items made", number(found["created"])),
                Figure("done", number(finished["done"])),
                Figure("failed", number(finished["failed"])),
                Figure("unfinished", number(found["unfinished"])),
                Figure("median until done", duration(found["until_done"]["p50"])),
            ]
        ),
        *section(
            "Items by day",
            "Made, done and failed on that day.",
            _by_day(
                found,
                ("created", "made", style.SECOND),
                ("done", "done", style.MAIN),
                ("failed", "failed", style.BAD),
                stacked=False,
            ),
        ),
        *_times(
            "How long it took",
            "Of the items that were done in this time. Half of them took no longer than p50.",
            {
                "From made to claimed": found["until_claimed"],
                "From claimed to done": found["from_claim_to_done"],
                "From made to done": found["until_done"],
            },
        ),
        *section(
            "By assignee",
            "By who has done an item or holds it, or else whom it is meant for.",
            table(
                [
                    Column("Agent", 0.4),
                    Column("Done", 0.2, is_number=True),
                    Column("Failed", 0.2, is_number=True),
                    Column("Unfinished", 0.2, is_number=True),
                ],
                [
                    (
                        each["agent"],
                        number(each["done"]),
                        number(each["failed"]),
                        number(each["unfinished"]),
                    )
                    for each in found["assignees"]
                ],
            ),
        ),
    ]


def _by_day(found: Found, *shown: tuple[str, str, Any], stacked: bool) -> Flowable:
    days = [date.fromisoformat(each["day"]) for each in found["days"]]
    series = [
        Series(name, color, [each[field] for each in found["days"]]) for field, name, color in shown
    ]
    return bars_by_day(days, series, stacked=stacked)


def _times(title: str, note: str, times: Mapping[str, Found]) -> Story:
    columns = [
        Column("", 0.32),
        Column("Count", 0.17, is_number=True),
        *(Column(point, 0.17, is_number=True) for point in _POINTS),
    ]
    rows = [
        (name, number(each["count"]), *(duration(each[point]) for point in _POINTS))
        for name, each in times.items()
    ]
    return section(title, note, table(columns, rows))


SECTIONS: Mapping[str, tuple[str, Callable[[Found], Story]]] = {
    "activity": ("Activity", activity),
    "delivery": ("Delivery", delivery),
    "work": ("Work", work),
}
