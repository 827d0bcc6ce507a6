"""`hubbub audit`."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from hubbub.cli.options import DataDir, settings_with
from hubbub.settings import Settings
from hubbub.start import explained

if TYPE_CHECKING:
    from hubbub.activity.service.verifying import Noted, Report

audit = typer.Typer(no_args_is_help=True, help="The record of who did what.")


@audit.callback()
def group() -> None:
    """Without this, typer would take the only command of the group for the group itself."""


@audit.command()
def verify(
    *,
    head: Annotated[
        str | None,
        typer.Option(
            help="A head that was noted before, as the log shows it: NUMBER:HASH, or the hash.",
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Check that nothing in the record was changed, removed or reordered, and fail where it was.

    Whoever may write to the database could make the whole chain anew; give a head that was noted
    outside of it to find that out, too. May run beside a hub."""
    from hubbub.activity.service.verifying import read_head  # noqa: PLC0415 - heavy

    settings = settings_with({"data_dir": data_dir})
    noted = read_head(head) if head is not None else None
    if head is not None and noted is None:
        msg = "give NUMBER:HASH or the hash alone, 64 hexadecimal digits"
        raise typer.BadParameter(msg, param_hint="--head")
    with explained(settings):
        report = asyncio.run(_verify(settings, noted))
    for finding in report.findings:
        typer.echo(str(finding))
    if report.more:
        typer.echo(f"… and {report.more} more")
    verdict = "is not as it was written" if report.findings else "is as it was written"
    typer.echo(f"The record {verdict}: {report.number} acts, head {report.number}:{report.hash}")
    typer.echo(f"Not sealed yet: {report.unsealed}.")
    if report.findings:
        raise typer.Exit(1)


async def _verify(settings: Settings, noted: "Noted | None") -> "Report":
    from hubbub.activity.service import verifying  # noqa: PLC0415
    from hubbub.kit.metrics import Metrics  # noqa: PLC0415
    from hubbub.lifespan import open_ready  # noqa: PLC0415
    from hubbub.start.folder import prepare_data_dir  # noqa: PLC0415

    prepare_data_dir(settings.data_dir)
    async with open_ready(settings, Metrics()) as resources:
        return await verifying.verify(resources.database, noted)
