"""What the command line says of a study's tables, of a first study file and of a drawn plan."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from segment_lab.errors import NotEnoughDataError, SegmentLabError

if TYPE_CHECKING:
    from segment_lab.study.study import Study

#: Customers that cannot be measured are named up to so many.
NAMED = 3


def say(key: str, /, **facts: Any) -> str:
    """`texts.say`, loaded when first used: the list of commands is shown at once."""
    from segment_lab import texts

    return texts.say(key, **facts)


def _told(reason: Any) -> str:
    from segment_lab.texts.names import told

    return told(reason)


def tell_intake(intake: Any) -> None:
    """What became of the rows of a table, by reason and with examples."""
    rows = int(intake.counts.sum()) + intake.left_out
    click.echo(
        say(
            "cli.check.table",
            name=intake.name,
            rows=rows,
            file=intake.raw.label,
        )
    )
    if intake.left_out:
        words = say("cli.check.left_out", where=intake.reading.where)
        click.echo(counted(intake.left_out, words))
    for reason, rows in intake.counts.items():
        examples = []
        if reason != "accepted" and rows:
            examples = [repr(example) for example in intake.examples(str(reason))]
        words = say("cli.check.reason", reason=_told(reason), examples=examples)
        click.echo(counted(rows, words))
    for remark in intake.remarks():
        click.echo("  " + say("cli.check.note", words=remark))


def tell_account(study: Study) -> None:
    """What became of the lines of orders in this report, where reading them did not say it."""
    read = study.intake("orders").counts
    rows: Iterable[Any] = study.account().itertuples()
    new = [row for row in rows if row.lines != read.get(row.reason)]
    if new:
        click.echo(say("cli.check.account"))
    for row in new:
        click.echo(counted(row.lines, str(row.reason)))


def tell_set_aside(study: Study) -> None:
    """Whom no campaign can be measured on: in several arms since ids were merged, or gone."""
    from segment_lab.act import arms

    if not study.has("campaigns"):
        return
    try:
        found = study.campaign_results()
    except NotEnoughDataError:
        return
    for checked in arms.checked(found).to_dict("records"):
        row = {str(name): value for name, value in checked.items()}
        rows = found[found["campaign_id"] == row["campaign_id"]]
        twice = list(rows.loc[rows["twice"], "customer_id"])
        gone = list(rows.loc[rows["gone"], "customer_id"])
        if twice or gone:
            facts = {
                "campaign": row["campaign_id"],
                "twice": twice,
                "gone": gone,
            }
            words = say("cli.check.campaign_aside", named=NAMED, **facts)
            click.echo("  " + say("cli.check.note", words=words))
        if row["uneven_losses"] or row["uneven_sizes"] or row["held_reached"]:
            doubt = say("trials.doubt", check=say("trials.check", **row), **row)
            click.echo("  " + say("cli.check.note", words=doubt))


def counted(rows: int, words: str) -> str:
    """A number of rows and what they are, one under the other."""
    return f"  {rows:>12,}  {words}"


def tell_totals(config: Path) -> None:
    """What follows from a first study file, to be held against the source."""
    from segment_lab.study.study import Study
    from segment_lab.texts import speaking

    study = Study.from_yaml(config)
    with speaking(currency=study.currency):
        try:
            intakes = study.check()
            for intake in intakes:
                aside = [
                    f"{_told(reason)} ({n:,})"
                    for reason, n in intake.counts.items()
                    if n
                ][1:]
                aside += [f"where ({intake.left_out:,})"] if intake.left_out else []
                facts = {
                    "read": int(intake.counts.sum()) + intake.left_out,
                    "aside": aside,
                }
                accepted = int(intake.counts["accepted"])
                click.echo(
                    say("init.said.rows", table=intake.name, accepted=accepted, **facts)
                )
            if study.has("orders") or study.has("customer_summary"):
                customers = study.customers()
                facts = {
                    "customers": len(customers),
                    "orders": int(customers.frequency.sum()),
                    "revenue": float(customers.revenue.sum()),
                    "last": str(customers.last_order.max())[:10],
                }
                if study.has("orders"):
                    first = str(customers.first_order.min())[:10]
                    click.echo(say("init.said.totals", first=first, **facts))
                    tell_twins(study)
                else:
                    click.echo(say("summary.totals", **facts))
            elif study.has("invoices"):
                click.echo(say("init.said.invoices", **_documents(study)))
        except SegmentLabError as error:
            click.echo(f"{say('init.said.not_yet')}\n{error}")


def _documents(study: Study) -> dict[str, Any]:
    """How many documents with what in all, and how many of them are open where the file says which
    were paid."""
    lines = study.table("invoices")
    facts = {
        "documents": int(lines.count().execute()),
        "open": lines.amount.sum().execute(),
        "unpaid": None,
    }
    if "settled_date" in lines.columns:
        unpaid = lines.filter(lines.settled_date.isnull())
        facts["unpaid"] = int(unpaid.count().execute())
        facts["owed"] = unpaid.amount.sum().coalesce(0).execute()
    return facts


def tell_twins(study: Study) -> None:
    """One customer under several ids, with the line that makes it one."""
    from segment_lab.customers.twins import twins
    from segment_lab.data.guess import quoted

    source = study.config.sources["orders"]
    inner = source.columns.get("customer_id") or "customer_id"
    raw = study.intake("orders").raw.table.columns
    for found in twins(study.customers()):
        expression = found.expression(quoted(inner) if inner in raw else inner)
        facts = {
            "ids": found.ids,
            "share": found.share,
            "examples": list(map(repr, found.examples)),
        }
        words = say(
            f"init.twins.{found.way}", line=f"customer_id: {expression}", **facts
        )
        click.echo("  " + say("cli.check.note", words=words))


def tell_drawn(path: Path) -> None:
    """How many a campaign contacts and leaves alone."""
    import pandas as pd

    arms = pd.read_csv(path, usecols=["arm"])["arm"]
    held = int((arms == "holdout").sum())
    click.echo(
        say(
            "plan.file",
            contacts=len(arms) - held,
            held=held,
            path=path,
        )
    )
