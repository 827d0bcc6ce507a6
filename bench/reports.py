"""Reports over a large hub, and how soon it answers others meanwhile.

python -m bench.reports [--postgres] [--count 1000000] [--participants 1000]
"""

import argparse
import asyncio
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Self

import httpx2

from bench.place import place
from bench.traffic import fill
from hubbub.kit.db.database import Database
from hubbub.settings import Environment, Settings

DAYS = 30
IDLE_SECONDS = 5
_ADMIN = {"HUBBUB_ADMIN_EMAIL": "admin@example.com", "HUBBUB_ADMIN_PASSWORD": "Bench-12345!mark"}


@dataclass
class Watch:
    """Asks again and again whether a hub is alive, in a thread of its own."""

    url: str
    seconds: list[float] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        with httpx2.Client(base_url=self.url) as client:
            while not self._over.wait(0.002):
                started = time.perf_counter()
                assert client.get("/healthz").status_code == 200
                self.seconds.append(time.perf_counter() - started)

    def told(self) -> str:
        known = sorted(self.seconds)
        late = known[int(len(known) * 0.99)]
        return (
            f"/healthz asked {len(known)} times: median {known[len(known) // 2] * 1e3:.1f} ms,"
            f" p99 {late * 1e3:.1f}, worst {known[-1] * 1e3:.1f}"
        )


def signed_in(url: str) -> httpx2.Client:
    client = httpx2.Client(base_url=url, timeout=60)
    form = {
        "username": _ADMIN["HUBBUB_ADMIN_EMAIL"],
        "password": _ADMIN["HUBBUB_ADMIN_PASSWORD"],
    }
    tokens = client.post("/api/v1/auth/token", data=form).json()
    client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    return client


def made(client: httpx2.Client, body: dict[str, Any]) -> float:
    """How long it took."""
    started = time.perf_counter()
    answer = client.post("/api/v1/reports", json=body)
    assert answer.status_code == 202, answer.text
    path = f"/api/v1/reports/{answer.json()['report_id']}/status"
    while (status := client.get(path).json()["status"]) in {"queued", "running"}:
        time.sleep(0.05)
    assert status == "done", status
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--participants", type=int, default=1000)
    options = parser.parse_args()
    with place(postgres=options.postgres, recipients=options.participants) as here:
        settings = Settings(
            environment=Environment.LOCAL,
            data_dir=here.folder / "data",
            database_url=here.dsn,
        )
        asyncio.run(_fill(settings, here.seeded.recipients, options.count))
        since = {"since": _ago(DAYS), "until": _ago(0)}
        with here.hub(_ADMIN) as hub:
            url = f"http://127.0.0.1:{hub.port}"
            with closing(signed_in(url)) as client:
                idle = hub.memory()
                with Watch(url) as watch:
                    time.sleep(IDLE_SECONDS)
                print(f"report: {here.kind}: none; {watch.told()}")
                for kind in ("activity", "delivery", "work"):
                    with Watch(url) as watch:
                        took = made(client, {"kind": kind} | since)
                    print(
                        f"report: {here.kind}: {kind} over {options.count:,} messages in"
                        f" {took:.1f} s; {watch.told()};"
                        f" memory {idle / 2**20:.0f} -> {hub.memory() / 2**20:.0f} MiB"
                    )


def _ago(days: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * 86400))


async def _fill(settings: Settings, participants: list[Any], many: int) -> None:
    database = Database(settings.database_dsn, settings.database)
    await fill(database, participants, many, DAYS)
    await database.close()


if __name__ == "__main__":
    main()
