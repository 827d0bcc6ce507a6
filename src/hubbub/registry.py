"""Every model and every job, brought in by name: nothing registers itself by being imported."""

from importlib import import_module

_MODELS = (
    "hubbub.kit.outbox",
    "hubbub.kit.db.search",
    "hubbub.activity.models",
)


def load_models() -> None:
    """Fills the metadata; only migrations need all tables at once."""
    for module in _MODELS:
        import_module(module)
