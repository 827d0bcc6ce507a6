"""The application factory: middleware, handlers, routers, lifespan; nothing else."""

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from fastapi.telemetry import TelemetryConfig

from hubbub import registry
from hubbub.api import add_api
from hubbub.console.pages import STATIC
from hubbub.console.router import docs_router
from hubbub.console.router import router as console_router
from hubbub.kit.http import health
from hubbub.kit.http.middleware import add_middleware
from hubbub.kit.http.openapi import customise_openapi
from hubbub.kit.http.problems import add_exception_handlers
from hubbub.kit.http.router import join
from hubbub.kit.logging import setup_logging
from hubbub.kit.metrics import Metrics
from hubbub.lifespan import lifespan
from hubbub.settings import Settings
from hubbub.start import settings_or_exit


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or settings_or_exit()
    setup_logging(settings.log)
    app = FastAPI(
        title=settings.app_name,
        description=settings.description,
        version=settings.version,
        debug=False,  # FastAPI's debug pages would show the code to callers
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json" if settings.shows_docs else None,
        # asked at each request, and answered from the environment: not for who has no use for it
        telemetry=TelemetryConfig(
            tracing=settings.telemetry, metrics=settings.telemetry, logs=settings.telemetry
        ),
        separate_input_output_schemas=False,
    )
    app.state.settings = settings
    app.state.metrics = Metrics()
    app.state.owned = registry.OWNED
    app.state.sights = registry.SIGHTS
    app.state.lanes = {}
    app.state.larger_bodies = {}
    add_middleware(app, settings, app.state.metrics)
    add_exception_handlers(app)
    customise_openapi(app)
    add_api(app, settings)
    join(app.router, health.router, console_router)
    if settings.shows_docs:
        join(app.router, docs_router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app
