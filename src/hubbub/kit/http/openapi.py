"""The OpenAPI document as it is published: problem documents for every error."""

from typing import Any

from fastapi import FastAPI

from hubbub.kit.http.problems import MEDIA_TYPE, Problem

_ANYWHERE = {
    "422": "`validation_failed`: The request has values that are not acceptable; see `errors`",
    "429": "`rate_limited`: Too many requests from this credential or address",
    "503": "`database_unavailable`: The database can't be reached or is busy; try again",
}
_WITH_BODY = {
    "400": "`bad_request`: The request can't be read as it is",
    "413": "`too_large`: The body is too large",
}


def customise_openapi(app: FastAPI) -> None:
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _with_problems(generate())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _with_problems(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    model = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= model.pop("$defs", {}) | {"Problem": model}
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in document["paths"].values():
        for operation in operations.values():
            answers = operation["responses"]
            if "HTTPValidationError" in str(answers.get("422")):
                del answers["422"]
            general = _ANYWHERE | (_WITH_BODY if "requestBody" in operation else {})
            for status, description in general.items():
                answers.setdefault(status, {"description": description, "content": content})
    return document
