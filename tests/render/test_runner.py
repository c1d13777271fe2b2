"""Whole runs of a tiny study: what is made, what is kept, what is published."""

from __future__ import annotations

import hashlib
import json
import re
import threading

import nbformat
import pandas as pd
import pytest

from segment_lab.errors import ConfigError, DataError
from segment_lab.render import history, plan, run_study
from segment_lab.render.catalog import chosen
from segment_lab.render.publishing import LATEST

from .conftest import NOTEBOOKS, PARAMETERS, START, notebook, write_notebooks


def manifest(result):
    return json.loads((result.folder / "manifest.json").read_text())


def hashes(folder) -> dict[str, str]:
    """Every file of a run but the manifest, which holds the clock times."""
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name != "manifest.json"
    }


def leading_nowhere(folder) -> set[str]:
    """Links of a run's pages to files that it does not hold."""
    found = re.findall(
        r'<a\b[^>]*\shref="([^":#]+)',
        " ".join(p.read_text() for p in folder.glob("*.html")),
    )
    return {name for name in found if not (folder / name).exists()}


def visible(place) -> set[str]:
    """The runs that a reader finds in the study's folder."""
    found = (place / "reports" / "tiny").glob("[!.]*")
    return {path.name for path in found if path.is_dir()}


def test_a_study_from_first_run_to_what_if(run, place, capsys):
    """One story, so that the libraries are loaded a few times only."""
    first = run()
    assert first.exit_code == 0
    assert first.reports == dict.fromkeys(("data", "rfm", "strategy"), "ok")
    assert set(first.rendered) == set(first.reports)
    latest = place / "reports" / "tiny" / LATEST
    assert latest.resolve() == first.folder
    files = hashes(first.folder)
    assert set(files) >= {
        "actions.parquet",
        "actions.xlsx",
        "front.json",
        "00_data.html",
        "10_rfm.html",
        "90_strategy.html",
        "index.html",
        "notebooks/00_data.ipynb",
        "notebooks/10_rfm.ipynb",
        "notebooks/90_strategy.ipynb",
        "rejected.parquet",
        "segments.csv",
        "segments.parquet",
        "segments.xlsx",
    }
    assert len(pd.read_parquet(first.folder / "segments.parquet")) == 40
    facts = manifest(first)
    assert facts["data"]["tables"] == {
        "orders": {"read": 60, "accepted": 60, "rejected": 0}
    }
    assert facts["files"]["index.html"]["sha256"] == files["index.html"]
    assert visible(place) == {first.folder.name, LATEST}

    index = first.index.read_text()
    assert index.index("What to do with each segment") < index.index(
        'href="10_rfm.html"'
    )
    assert "Tiny &lt;Shop&gt;" in index
    studies = (place / "reports" / "index.html").read_text()
    assert f'href="tiny/{first.folder.name}/index.html"' in studies

    # Nothing changed: nothing is made, and no library is loaded.
    again = run()
    assert (again.folder, again.rendered) == (first.folder, ())
    assert "nothing has changed" in capsys.readouterr().err

    # The same inputs give the same bytes, from scratch.
    forced = run(force=True)
    assert forced.folder != first.folder
    assert hashes(forced.folder) == files
    assert latest.resolve() == forced.folder

    # A changed parameter makes one report again, as a what-if that is not the study's answer.
    what_if = run(parameters={"rfm": {"n_bins": 2}})
    assert what_if.rendered == ("rfm",)
    assert latest.resolve() == forced.folder
    assert "segments.csv" not in hashes(what_if.folder)
    assert not leading_nowhere(what_if.folder)
    assert "data-href=" in (what_if.folder / "10_rfm.html").read_text()
    found = {r["name"]: r for r in manifest(what_if)["reports"]}
    assert found["rfm"]["headline"]["figures"]["bins"]["value"] == 2

    # In the study file the same change reaches what depends on it, and not the rest.
    config = place / "study.yml"
    config.write_text(config.read_text().replace("n_bins: 3", "n_bins: 2"))
    changed = run()
    assert set(changed.rendered) == {
        "strategy"
    }  # rfm is kept from the what-if, data from the first run
    assert latest.resolve() == changed.folder
    assert not leading_nowhere(changed.folder)
    assert "data-href=" not in (changed.folder / "10_rfm.html").read_text()
    assert "Bins" in (studies := (place / "reports" / "index.html").read_text())
    assert "−33.3%" in re.sub(r"\s+", " ", studies)


def test_a_look_at_every_report_is_not_the_whole_run(run, place):
    look = run(only=["data", "rfm", "strategy"])
    whole = run()
    assert (whole.folder / "actions.xlsx").exists()
    assert not (look.folder / "actions.xlsx").exists()
    latest = place / "reports" / "tiny" / LATEST
    assert latest.resolve() == whole.folder


def test_a_failing_report_fails_alone_and_is_mended_alone(run, place):
    notebooks = place / "notebooks"
    write_notebooks(
        notebooks,
        {
            "20_abc.ipynb": (
                "# ABC\nWho is A?",
                f"{PARAMETERS}\ncuts = (0.8, 0.95)\nvalue = 'revenue'",
                START,
                "print('so far')",
                "## The break",
                "{}['cause']",
                "## Never",
            )
        },
    )
    good = run(only=["data"])
    result = run()
    assert (result.exit_code, result.reports["abc"], result.reports["rfm"]) == (
        1,
        "failed",
        "ok",
    )
    assert result.folder.name.endswith("-failed")
    assert not (place / "reports" / "tiny" / LATEST).exists()
    page = (result.folder / "20_abc.html").read_text()
    assert "This report could not be finished" in page
    assert "KeyError: &#39;cause&#39;" in page
    assert "so far" in page
    assert "1 OF 4 REPORTS FAILED" in result.index.read_text()
    assert "THE NEWEST RUN FAILED" in (place / "reports" / "index.html").read_text()
    assert good.exit_code == 0

    write_notebooks(
        notebooks,
        {
            "20_abc.ipynb": (
                "# ABC\nWho is A?",
                f"{PARAMETERS}\ncuts = (0.8, 0.95)\nvalue = 'revenue'",
                START,
                "raise sl.errors.NotEnoughDataError('Only 40 customers.')",
            )
        },
    )
    mended = run()
    assert (mended.exit_code, mended.reports["abc"], mended.rendered) == (
        0,
        "thin",
        ("abc",),
    )
    assert "Not enough data" in (mended.folder / "20_abc.html").read_text()
    assert (place / "reports" / "tiny" / LATEST).resolve() == mended.folder


def test_a_report_without_its_table_is_left_out_with_the_reason(run, place):
    write_notebooks(
        place / "notebooks", {"60_leads.ipynb": ("# Leads\nWho?", PARAMETERS)}
    )
    result = run(only=["data", "leads"])
    assert (result.exit_code, result.reports["leads"]) == (0, "skipped")
    assert "The study has no leads." in result.index.read_text()
    assert not (place / "reports" / "tiny" / LATEST).exists()
    with pytest.raises(
        ConfigError, match=r"No report can be rendered: The study has no leads\."
    ):
        run(only=["leads"])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"only": ["rmf"]}, ConfigError),
        ({"parameters": {"rfm": {"bins": 3}}}, ConfigError),
        ({"as_of": "2020-01-01"}, ConfigError),
    ],
)
def test_wrong_arguments_publish_nothing(run, place, arguments, error):
    with pytest.raises(error):
        run(**arguments)
    assert visible(place) == set()


def test_faulty_data_publish_nothing(run, place):
    (place / "orders.csv").write_text("customer_id,order_date,amount\na,x,y\n")
    with pytest.raises(DataError, match="order_date"):
        run()
    assert visible(place) == set()


@pytest.mark.parametrize(
    "text",
    ["", "name: [", "sources: {}", "name: Has Blanks\nsources: {orders: {path: a}}"],
)
def test_no_study_file_is_a_clear_error(text, tmp_path, place):
    from segment_lab.render import run_study

    (tmp_path / "bad.yml").write_text(text)
    with pytest.raises(ConfigError, match=r"bad\.yml"):
        run_study(tmp_path / "bad.yml", out=tmp_path / "out")


def test_two_runs_at_once_take_turns(run, place):
    results = []
    threads = [threading.Thread(target=lambda: results.append(run())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [r.exit_code for r in results] == [0, 0]
    assert results[0].folder == results[1].folder
    assert sorted(len(r.rendered) for r in results) == [0, 3]


def test_data_that_change_during_a_run_are_noticed(run, place):
    before = run(only=["data"])
    nb = notebook(
        *NOTEBOOKS["00_data.ipynb"][:3],
        f"open({str(place / 'orders.csv')!r}, 'a').write('new,2026-02-02,5\\n')",
    )
    nbformat.write(nb, place / "notebooks" / "00_data.ipynb")
    result = run(only=["data"])
    assert (before.exit_code, result.exit_code) == (0, 1)
    assert "changed during the run" in manifest(result)["fault"]
    assert "NOT TO BE USED" in result.index.read_text()


def test_reports_may_stand_beside_the_study_file(place, run):
    beside = run_study(
        place / "study.yml", out=place, only=["data"]
    )  # into a folder called like the study
    assert beside.exit_code == 0
    assert beside.folder.parent == place / "tiny"


@pytest.mark.slow
def test_old_runs_go_but_never_the_latest(run, place):
    first = run()
    names = []
    for bins in (2, 4, 5):
        names.append(run(parameters={"rfm": {"n_bins": bins}}, retention=2).folder.name)
    assert visible(place) == {LATEST, first.folder.name, *names[-2:]}
    kept = history.read(place / "reports" / "tiny")
    assert set(kept["run"]) == {first.folder.name}  # a what-if is no history


def test_logs_are_lines_of_json(run, capsys):
    run(only=["data"], log_json=True)
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [e["event"] for e in events] == ["check", "start", "report", "done"]
    assert events[2]["report"] == "data"
    assert events[2]["status"] == "ok"


def test_ordinary_kernels_give_the_same_pages(run, place):
    forked, ordinary = run(only=["rfm"]), run(only=["rfm"], engine="kernel", force=True)
    assert hashes(forked.folder) == hashes(ordinary.folder)


def kept(cache) -> set[str]:
    """What was computed and kept; compiled statements are found again by other names."""
    names = {path.name for path in cache.iterdir()}
    return {name for name in names if not name.startswith("statement-")}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_languages_are_two_sets_of_pages_from_one_computation(run, place):
    run(lang=["en"])
    computed = kept(place / "cache")
    both = run(lang=["en", "ru"])
    assert kept(place / "cache") == computed
    pages = {path.name for path in both.folder.glob("*.html")}
    assert {path.name for path in (both.folder / "ru").glob("*.html")} == pages
    for name in pages:
        page = (both.folder / "ru" / name).read_text("utf-8")
        assert '<html lang="ru"' in page
        for link in re.findall(r'href="([^"#]+)', page):
            assert (both.folder / "ru" / link).exists(), (name, link)
    index = (both.folder / "ru" / "index.html").read_text("utf-8")
    assert 'href="../segments.csv"' in index
    assert index.count(">segments.xlsx<") == 1
    part = run(lang=["en", "ru"], only=["data"])
    index = (part.folder / "ru" / "index.html").read_text("utf-8")
    assert "1 января 2026" in index
    assert "January" not in index


def test_what_needs_no_scorecard_is_made_while_others_wait_for_it():
    order = plan.ordered(chosen(None), [])
    names = [report.name for report in order]
    assert names[0] == "comparison"
    waits = names.index("strategy")
    assert set(names[1:waits]) == {"data", "leads", "receivables", "response"}
    # The longest of them runs beside the beginning of the strategy, which others wait for.
    assert names[waits - 1] == "receivables"
    # The export follows the strategy and leaves pages to be made beside it.
    place = plan.place_of_export([("en", report) for report in order])
    assert place == waits + 1 < len(order)


def test_a_run_does_without_the_files_taken_in_ahead(run, monkeypatch):
    from segment_lab.render.worker import ForkServer

    call, asked = ForkServer.call, []

    def failing(server, function, *rest, task="call", **more):
        asked.append(task)
        if task == "read":
            raise RuntimeError("killed")
        return call(server, function, *rest, task=task, **more)

    monkeypatch.setattr(ForkServer, "call", failing)
    assert run(only=["data"]).exit_code == 0
    assert asked[:2] == ["read", "call"]


def test_half_a_file_is_told_on_the_terminal_and_on_page_one(run, place, capsys):
    run()
    capsys.readouterr()
    orders = place / "orders.csv"
    head, *lines = orders.read_text().splitlines(keepends=True)
    orders.write_text(head + "".join(lines[::2]))
    half = run()
    told = capsys.readouterr().err
    assert "has changed since the last run" in told
    page = (half.folder / "index.html").read_text()
    assert "THE PAST HAS CHANGED" in page
    assert "has changed since the last run" in re.sub(r"\s+", " ", page)


def test_a_run_of_an_earlier_day_says_what_latest_shows(run, place, capsys):
    newer = run()
    capsys.readouterr()
    run(as_of="2026-06-01")
    told = capsys.readouterr().err
    assert "`latest` still shows the run as of" in told, told
    assert (place / "reports" / "tiny" / LATEST).resolve() == newer.folder
