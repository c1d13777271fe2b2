"""The command line: run, check, init, sql, plan, notify, forget, sample.

Exit 0 all well, 1 some report failed, 2 bad input.
"""

from __future__ import annotations

import atexit
import gc
import os
import re
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any, cast

import click

from segment_lab import __version__
from segment_lab.cli.said import (
    say,
    tell_account,
    tell_drawn,
    tell_intake,
    tell_set_aside,
    tell_totals,
    tell_twins,
)
from segment_lab.errors import ConfigError, NotEnoughDataError, SegmentLabError, nearest

# What was loaded goes with the process: at its end nothing is looked through for garbage.
atexit.register(gc.freeze)
#: The first language that a study file asks for, whatever else is wrong with it.
LANGUAGE = re.compile(r"""^lang:\s*\[?\s*['"]?([\w-]+)""", re.MULTILINE)


class _Group(click.Group):
    """Turns errors into one message: exit code 2 for bad input, 1 for a fault of the program."""

    def invoke(self, ctx: click.Context) -> Any:
        _tidy_up_when_stopped()
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            # `segment-lab sql … | head` has seen enough: click ends in silence.
            raise
        except SegmentLabError as error:
            click.echo(f"{say('cli.error')} {error}", err=True)  # its lines stay lines
            sys.exit(2)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            click.echo(f"{say('cli.error')} {where}{error.strerror or error}", err=True)
            sys.exit(2)
        except Exception as error:
            if os.environ.get("SEGMENT_LAB_TRACEBACK"):
                raise
            lines = str(error).strip().splitlines() or [""]
            # Of what a process of the run could not do, the last line says it.
            said = lines[-1 if lines[0].startswith("Traceback") else 0][:300]
            click.echo(
                say(
                    "cli.fault",
                    type=type(error).__name__,
                    said=said,
                ),
                err=True,
            )
            click.echo(say("cli.traceback"), err=True)
            sys.exit(1)


def _tidy_up_when_stopped() -> None:
    """Whoever stops the program (systemd, docker, a lost terminal) interrupts it; what ignores a
    lost terminal (nohup) goes on doing so."""
    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _stop)


def _stop(number: int, _: Any) -> None:
    click.echo(say("cli.stopped"), err=True)
    sys.exit(128 + number)


class _Option(click.Option):
    """An option whose help stands in ``texts``, under its command and its name."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        from segment_lab.texts import phrases

        self.help = self.help or phrases(f"cli.help.{ctx.command.name}").get(
            str(self.name)
        )
        return super().get_help_record(ctx)


def _spoken(_: click.Context, __: click.Parameter, config: Path) -> Path:
    """Speak the study file's language before it is read: a fault in it is told in that language
    too."""
    from segment_lab.texts.languages import languages, speak, spoken_first

    try:
        found = LANGUAGE.search(config.read_text("utf-8", errors="replace"))
    except OSError:  # what reads the file says so
        return config
    if found and found[1] in languages():
        speak(spoken_first((found[1],)))
    return config


option = partial(click.option, cls=_Option)
study_file = click.argument(
    "config",
    type=click.Path(path_type=Path),
    callback=_spoken,
)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="segment-lab")
def main() -> None:
    """Which customers to serve how, which segmentation deserves trust, whether the strategy
    worked."""


@main.command()
@study_file
@option("--as-of")
@option("--only")
@option("--jobs", type=click.IntRange(1))
@option(
    "--out", type=click.Path(path_type=Path), default=Path("reports"), show_default=True
)
@option("--force", is_flag=True)
@option(
    "--engine",
    type=click.Choice(["segment-lab", "kernel"]),
    default="segment-lab",
    show_default=True,
)
@option(
    "-p",
    "--parameter",
    "parameters",
    multiple=True,
    metavar="REPORT.NAME=VALUE",
)
@option("--pdf", is_flag=True)
@option("--lang")
@option("--log-json", is_flag=True)
@option("--plan", "draws", is_flag=True)
def run(
    config: Path,
    as_of: str | None,
    only: str | None,
    lang: str | None,
    parameters: tuple[str, ...],
    draws: bool,
    **options: Any,
) -> None:
    """Render the reports of the study file CONFIG."""
    from segment_lab.render import run_study

    if draws and (only or parameters):
        raise ConfigError(say("plan.whole_run"))
    result = run_study(
        config,
        as_of=as_of,
        only=_listed(only),
        lang=_listed(lang),
        parameters=_parameters(parameters),
        **options,
    )
    if draws and result.exit_code == 0:
        try:
            _draw(config, as_of)
        except NotEnoughDataError as reason:
            click.echo(str(reason))
    sys.exit(result.exit_code)


def _listed(text: str | None) -> list[str] | None:
    """``"rfm, abc"`` as a list; None where nothing was given."""
    return [part.strip() for part in (text or "").split(",") if part.strip()] or None


def _parameters(pairs: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """``("rfm.n_bins=3",)`` as ``{"rfm": {"n_bins": 3}}``; values are YAML."""
    import yaml

    out: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        report, dot, parameter = name.partition(".")
        if not (equals and dot and report and parameter):
            raise ConfigError(say("cli.no_parameter", pair=repr(pair)))
        out.setdefault(report, {})[parameter] = yaml.safe_load(value)
    return out


@main.command()
@study_file
@option("--as-of")
@option("--rejected", type=click.Path(path_type=Path))
def check(config: Path, as_of: str | None, rejected: Path | None) -> None:
    """Read the data of CONFIG, say what is accepted and rejected and why, render nothing."""
    from segment_lab.customers.overview import rhythm
    from segment_lab.study.study import Study

    study = Study.from_yaml(config, as_of=as_of)
    for intake in study.check():
        tell_intake(intake)
    tell_set_aside(study)
    if not study.has("orders"):
        return
    customers = study.customers()
    click.echo(
        say(
            "cli.check.window",
            window=study.window,
            customers=len(customers),
        )
    )
    tell_twins(study)
    tell_account(study)
    if quick := rhythm(customers, study.config.strategy.horizon_days):
        click.echo("  " + say("cli.check.note", words=quick))
    if rejected:
        study.write_rejected(rejected)
        click.echo(say("cli.check.rejected", path=rejected))


@main.command()
@study_file
@option(
    "--out", type=click.Path(path_type=Path), default=Path("reports"), show_default=True
)
@option("--dry-run", is_flag=True)
def notify(config: Path, out: Path, dry_run: bool) -> None:
    """Mail page one of CONFIG's last good run to the director, and every owner's list to him."""
    from segment_lab.render.mail import Post

    for line in Post(config, out.absolute()).send(dry_run=dry_run):
        click.echo(line)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@option("--out", type=click.Path(path_type=Path))
@option(
    "-c",
    "--column",
    "given",
    multiple=True,
    metavar="NAME=COLUMN",
)
@option("--force", is_flag=True)
def init(file: Path, out: Path | None, given: tuple[str, ...], force: bool) -> None:
    """Write a first study file for FILE, and say how it was read and what is open.

    FILE is a file, a pattern such as 'exports/*.csv', or a folder: of files alike, or of the
    tables of one system.
    """
    from segment_lab.data.contracts import CONTRACTS
    from segment_lab.data.files import asked_for, replacing
    from segment_lab.data.guess import first_config, study_name

    target = out or Path(f"{study_name(file)}.yml")
    if target.exists() and not force:
        raise ConfigError(say("init.fault.exists", target=target))
    said = {name: column for name, _, column in (part.partition("=") for part in given)}
    names = CONTRACTS["orders"].names
    if wrong := [
        name for name, column in said.items() if name not in names or not column
    ]:
        hint = nearest(wrong[0], names)
        raise ConfigError(say("init.fault.column_option", name=wrong[0], hint=hint))
    text, proposal = first_config(file, target, said)
    with asked_for(target):
        target.parent.stat()  # a folder that is not there is a slip of the pen
        with replacing(target) as draft:
            draft.write_text(text, encoding="utf-8")
    for table, source in proposal.sources.items():
        click.echo(say("init.said.table", name=table))
        for name, column in source["columns"].items():
            click.echo(f"  {name:<12} ← {column}")
        for name in (
            "where",
            "totals",
            "date_format",
            "decimal",
            "encoding",
            "amount_per",
        ):
            if name in source:
                click.echo(
                    "  " + say("init.said.setting", name=name, value=source[name])
                )
    for remark in proposal.took:
        click.echo("  " + say("init.said.took", words=remark))
    for remark in proposal.doubts:
        click.echo("  " + say("init.said.doubt", words=remark))
    tell_totals(target)
    click.echo(say("init.said.next", target=target))


@main.command()
@study_file
@option("--method", required=True)
@option("--dialect", default="duckdb", show_default=True)
@option(
    "--source",
    type=click.Choice(["orders", "customers"]),
    default="orders",
    show_default=True,
)
@option("--table")
@option("--day")
@option("--as-of")
def sql(config: Path, method: str, as_of: str | None, **options: Any) -> None:
    """Print one statement that gives every customer's segment in a warehouse."""
    from segment_lab.study.study import Study

    study = Study.from_yaml(config, as_of=as_of)
    click.echo(study.to_sql(method, **options))


@main.command()
@study_file
@option("--method", required=True)
@option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("segments.parquet"),
    show_default=True,
)
@option(
    "--limit",
    type=click.IntRange(1),
    default=1_000_000,
    show_default=True,
)
@option("--as-of")
def assign(config: Path, method: str, out: Path, limit: int, as_of: str | None) -> None:
    """Write every buyer's segment with the engine alone: for bases larger than memory."""
    from segment_lab.study.study import Study
    from segment_lab.texts.formats import percent

    study = Study.from_yaml(config, as_of=as_of)
    if sys.stderr.isatty():
        study.connection.raw_sql("SET enable_progress_bar = true")

    def progress(step: str) -> None:
        click.echo(say("cli.assign.step", step=step), err=True)

    result = study.assign(method, out, limit=limit, progress=progress)
    for row in result.profile.itertuples():
        share = f"{percent(cast(Any, row.customer_share), 1):>6}"
        revenue = f"{say('cli.assign.revenue', share=row.revenue_share):>17}"
        click.echo(f"{row.customers:>12,}  {share}  {revenue}  {row.Index}")
    click.echo(
        say(
            "cli.assign.written",
            note=result.note,
            path=result.path,
        )
    )


@main.command()
@study_file
@option("--as-of")
@option("--out", type=click.Path(path_type=Path))
@option("--went-out")
def plan(
    config: Path,
    as_of: str | None,
    out: Path | None,
    went_out: str | None,
) -> None:
    """Draw the campaigns that page one of CONFIG decided on, once and for all, or date them."""
    _draw(config, as_of, out, went_out)


def _draw(
    config: Path,
    as_of: str | None,
    out: Path | None = None,
    went_out: str | None = None,
) -> None:
    """Draw a plan or date one, and say what its files are and what is to be done."""
    from segment_lab.pages import planning
    from segment_lab.study.study import Study
    from segment_lab.window import as_date

    study = Study.from_yaml(config, as_of=as_of)
    plans = planning.files(study, out)
    if went_out is None:
        paths = planning.write_plan(study, plans)
    else:
        day = as_date(as_of) if as_of else None
        paths = planning.date_plan(study, plans, as_date(went_out), day)
    for path in paths:
        tell_drawn(path)
    waiting = plans.undated()
    if waiting:
        click.echo(say("plan.waiting", days=waiting, folder=plans.folder))


@main.command()
@study_file
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@option(
    "--out", type=click.Path(path_type=Path), default=Path("reports"), show_default=True
)
@option("--plans", type=click.Path(path_type=Path))
def forget(config: Path, ids: tuple[str, ...], out: Path, plans: Path | None) -> None:
    """Take customers out of CONFIG's kept runs, caches and drawn campaigns, and say what it
    touched."""
    from segment_lab.render.forget import Forgetting
    from segment_lab.study.study import Study

    study = Study.from_yaml(config)
    touched = False
    for line in Forgetting(study, ids, out.absolute(), plans).everywhere():
        click.echo(line)
        touched = True
    if not touched:
        click.echo(say("forget.nothing", ids=list(ids)))


@main.command()
@option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("data/sample"),
    show_default=True,
)
@option("--seed", type=int, default=7, show_default=True)
@option(
    "--customers",
    type=click.IntRange(50),
    default=2000,
    show_default=True,
)
def sample(out: Path, seed: int, customers: int) -> None:
    """Write the sample CRM: the same seed gives the same bytes."""
    from segment_lab.data.files import asked_for
    from segment_lab.sample import write

    with asked_for(out):
        paths = write(out, seed=seed, customers=customers)
    for path in paths:
        click.echo(f"{path.stat().st_size:>10,}  {path}")
