"""What stands in a gateway's openclaw.json."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.openclaw import model


@dataclass(frozen=True)
class Options:
    hooks: bool
    token: str
    prefix: str | None
    session_keys: bool
    chat: bool
    operator_token: str = "operator-secret"


def configuration(options: Options, folder: Path, model_url: str) -> dict[str, Any]:
    return {
        "gateway": {
            "mode": "local",
            "bind": "loopback",
            "auth": {"mode": "token", "token": options.operator_token},
            "controlUi": {"enabled": False},
            "http": {"endpoints": {"chatCompletions": {"enabled": options.chat}}},
        },
        "hooks": _hooks(options),
        "models": {
            "mode": "replace",
            "providers": {"fake": _provider(model_url)},
            "catalogRefresh": {"enabled": False},
        },
        "agents": {
            "defaults": {
                "workspace": str(folder / "workspace"),
                "model": {"primary": f"fake/{model.NAME}"},
                "skipBootstrap": True,
                "heartbeat": {"every": "0m"},
            }
        },
        "logging": {"file": str(folder / "openclaw.log")},
        "update": {"checkOnStart": False},
        "telemetry": {"enabled": False},
    }


def _hooks(options: Options) -> dict[str, Any]:
    if not options.hooks:
        return {"enabled": False}
    hooks: dict[str, Any] = {
        "enabled": True,
        "token": options.token,
        "allowRequestSessionKey": options.session_keys,
    }
    if options.prefix is not None:
        hooks["allowedSessionKeyPrefixes"] = [options.prefix]
    return hooks


def _provider(url: str) -> dict[str, Any]:
    known = {
        "id": model.NAME,
        "name": "A parrot",
        "reasoning": False,
        "input": ["text"],
        "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
        "contextWindow": 128_000,
        "maxTokens": 4_096,
    }
    return {"baseUrl": url, "apiKey": "none", "api": "openai-completions", "models": [known]}
