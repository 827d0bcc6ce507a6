"""A hub with one route more, which says what is loaded."""

import sys

from fastapi import FastAPI

from hubbub.app import create_app
from hubbub.cli.server import bind, run
from hubbub.settings import get_settings


def create_talkative_app() -> FastAPI:
    app = create_app()

    @app.get("/loaded")
    async def loaded() -> list[str]:
        return list(sys.modules)

    return app


if __name__ == "__main__":
    port = int(sys.argv[-1])
    app = "tests.faults.loaded:create_talkative_app"
    sys.exit(run(get_settings(), bind("127.0.0.1", port), app=app))
