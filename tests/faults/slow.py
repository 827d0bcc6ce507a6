"""A hub with one route more: it says that it has begun, and answers when it is let."""

import sys
import time
from pathlib import Path

from fastapi import FastAPI

from hubbub.app import create_app
from hubbub.cli.server import bind, run
from hubbub.settings import get_settings


def create_slow_app() -> FastAPI:
    app = create_app()

    @app.get("/slow")
    def slow() -> str:
        Path("begun").touch()
        while not Path("go").exists():
            time.sleep(0.01)
        return "done"

    return app


if __name__ == "__main__":
    settings = get_settings()
    app = "tests.faults.slow:create_slow_app"
    sys.exit(run(settings, bind(settings.host, settings.port), app=app))
