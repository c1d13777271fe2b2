"""Forked kernels: the same outputs as an ordinary kernel's, within their bounds, gone with their
parent."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty

import nbformat
import papermill
import psutil
import pytest
import zmq

from segment_lab.render import engine
from segment_lab.render.turns import Turn, Turns

from .conftest import notebook

ORDERS = (
    "customer_id,order_date,amount\na,2026-01-05,10\na,2026-02-05,20\nb,2026-02-20,5\n"
)
STUDY = "name: shop\nsources:\n  orders: {path: orders.csv}\n"
CELLS = (
    "# All kinds of output",
    "config = 1",
    "print('out'); import sys; print('err', file=sys.stderr)\n1 + 1",
    "import pandas as pd\npd.DataFrame({f'c{i}': range(70) for i in range(25)})",
    "pd.options.display.max_columns, pd.options.display.width",
    "from IPython.display import Markdown, display\ndisplay(Markdown('**b**'))",
    "display({'text/html': '<i>x</i>', 'text/plain': 'x'}, raw=True)",
    "from segment_lab import show\nshow.headline('Yes.', figures={'n': 3})",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
    "import matplotlib; matplotlib.get_backend(), sys.argv[1], __name__",
    "!echo from the shell",
    "await __import__('asyncio').sleep(0.01)\n'awaited'",
    "class A:\n    pass\nA.__module__",
    "import warnings; warnings.warn('careful')",
    "def f():\n    return 1 / 0\nf()",
    "'never reached'",
)


def execute(cells, folder, **options):
    """Run cells through the papermill engine; the notebook comes back even when it fails."""
    source, target = folder / "in.ipynb", folder / "out.ipynb"
    nbformat.write(notebook(*cells), source)
    try:
        papermill.execute_notebook(
            str(source),
            str(target),
            engine_name="segment-lab",
            progress_bar=False,
            kernel_name="python3",
            **options,
        )
    except papermill.PapermillExecutionError as error:
        return nbformat.read(target, 4), error
    return nbformat.read(target, 4), None


def outputs(made) -> list:
    """Outputs without what differs between any two kernels: addresses and process numbers."""
    return [
        re.sub(r"0x[0-9a-f]+|ipykernel_\d+/\d+", "", json.dumps(c.outputs))
        for c in code(made)
    ]


def code(made) -> list:
    return [c for c in made.cells if c.cell_type == "code"]


def test_outputs_equal_those_of_an_ordinary_kernel(tmp_path, server, monkeypatch):
    monkeypatch.delenv("MPLBACKEND")
    forked, error = execute(CELLS, tmp_path, server=server)
    ordinary, same = execute(CELLS, tmp_path, forked=False)
    assert outputs(forked) == outputs(ordinary)
    assert error.ename == same.ename == "ZeroDivisionError"
    kinds = {o.output_type for c in forked.cells for o in c.get("outputs", [])}
    assert kinds == {"stream", "execute_result", "display_data", "error"}
    assert any(
        "image/png" in o.get("data", {})
        for c in forked.cells
        for o in c.get("outputs", [])
    )


@pytest.mark.parametrize(
    ("cell", "options", "reason"),
    [
        ("import time; time.sleep(60)", {"timeout": 6.0}, "took longer than 6 seconds"),
        (
            "block = b'x' * 2_000_000_000\nimport time; time.sleep(60)",
            {"memory_gb": 1.0},
            "more than 1 GB of memory",
        ),
        (
            "import subprocess, sys\n"
            "big = 'block = b\"x\" * 2_000_000_000; import time; time.sleep(60)'\n"
            "subprocess.run([sys.executable, '-c', big])",
            {"memory_gb": 1.0},
            "more than 1 GB of memory",
        ),
        ("import os; os._exit(3)", {}, "died unexpectedly"),
    ],
)
def test_a_broken_bound_is_the_error_of_the_cell_that_ran(
    cell, options, reason, tmp_path, server
):
    began = time.monotonic()
    made, error = execute(
        ("print('before')", cell, "print('after')"), tmp_path, server=server, **options
    )
    assert reason in error.evalue
    assert time.monotonic() - began < 50  # the cell would take 60
    before, broken, after = code(made)
    assert before.outputs[0].text == "before\n"
    assert broken.outputs[-1].evalue == error.evalue
    assert after.outputs == []


def test_a_kernel_ended_before_it_answers_says_which_bound_it_broke(
    tmp_path, server, monkeypatch
):
    from segment_lab.render.engine import ForkedClient

    async def silent(client, asked):
        await asyncio.sleep(0.05)
        return False

    # A kernel that has nothing else to do would answer before anybody looks at the clock.
    monkeypatch.setattr(ForkedClient, "_answered", silent)
    _, error = execute(("1",), tmp_path, server=server, timeout=0.0)
    assert "took longer than 0 seconds" in error.evalue


def test_server_is_one_thread_and_children_get_their_share(server, tmp_path):
    made, _ = execute(
        (
            "import os; os.environ['OPENBLAS_NUM_THREADS'], os.environ['SEGMENT_LAB_THREADS']",
        ),
        tmp_path,
        server=server,
    )
    assert code(made)[0].outputs[0].data["text/plain"] == "('1', '1')"
    assert psutil.Process(server._process.pid).num_threads() == 1


def test_calls_return_values_and_raise_our_errors(server, tmp_path):
    from segment_lab.errors import ConfigError

    assert (
        server.call("segment_lab.render.inputs:digest", {}, tmp_path / "r")
        == __import__("segment_lab.render.inputs", fromlist=["digest"]).digest()
    )
    with pytest.raises(ConfigError, match="There is no study file"):
        server.call(
            "segment_lab.render.catalog:prepare",
            {"config": "absent.yml", "as_of": None, "changes": {}},
            tmp_path / "r",
        )
    with pytest.raises(RuntimeError, match="TypeError"):
        server.call(
            "segment_lab.render.inputs:study_name", {"wrong": 1}, tmp_path / "r"
        )
    with pytest.raises(RuntimeError, match="no result"):
        server.call("os:_exit", {"status": 3}, tmp_path / "r")


def test_a_kernel_whose_first_words_were_lost_is_asked_again(monkeypatch):
    from segment_lab.render.engine import ForkedClient

    asked, published = [], [Empty, "status of nothing", "2"]

    async def reply(*_, **__):
        return {"content": {}}

    async def heard(*_, **__):
        if (word := published.pop(0)) is Empty:
            raise Empty
        content = {"execution_state": "idle"}
        return {"content": content, "parent_header": {"msg_id": word}}

    async def alive():
        return True

    client = ForkedClient()
    monkeypatch.setattr(
        client, "kernel_info", lambda: asked.append("") or str(len(asked))
    )
    monkeypatch.setattr(client, "get_shell_msg", reply)
    monkeypatch.setattr(client, "get_iopub_msg", heard)
    monkeypatch.setattr(client, "_async_is_alive", alive)
    monkeypatch.setattr(client, "_handle_kernel_info_reply", lambda _: None)
    asyncio.run(client.wait_for_ready(5))
    assert len(asked) == 2
    assert published == []


def test_what_reads_the_data_waits_for_nothing_that_checks_or_draws(tmp_path):
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "shop.yml").write_text(STUDY + "methods: {rfm: {n_bins: 3}}\n")
    code = (
        "import sys\n"
        "from segment_lab.render import forked\n"
        "for _ in forked.for_reading(): pass\n"
        "from segment_lab.render.reading import take_in\n"
        "take_in(sys.argv[1])\n"
        "heavy = {'segment_lab.study.study', 'sklearn', 'scipy', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "shop.yml")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_data_that_were_taken_in_are_not_parsed_again(tmp_path, monkeypatch):
    from segment_lab.data import copies
    from segment_lab.render.catalog import prepare
    from segment_lab.render.reading import take_in

    monkeypatch.setenv("SEGMENT_LAB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "shop.yml").write_text(STUDY)
    take_in(str(tmp_path / "shop.yml"))
    monkeypatch.setattr(copies, "replacing", lambda *_, **__: pytest.fail("again"))
    facts = prepare(str(tmp_path / "shop.yml"), None, {})
    assert facts["tables"]["orders"] == {"read": 3, "accepted": 3, "rejected": 0}


@pytest.mark.parametrize("study", ["name: shop\nsources: 5\n", "a: [", STUDY])
def test_taking_in_leaves_faults_to_what_checks_the_settings(study, tmp_path):
    from segment_lab.render.reading import take_in

    (tmp_path / "shop.yml").write_text(study)  # and no orders.csv
    take_in(str(tmp_path / "shop.yml"))


def test_rows_of_a_database_are_not_asked_for_twice(tmp_path, monkeypatch):
    from segment_lab.render.reading import take_in
    from segment_lab.study.tables import StudyTables

    (tmp_path / "shop.yml").write_text(
        "name: shop\nsources:\n  orders: {url: 'duckdb://shop.duckdb', table: orders}\n"
    )
    monkeypatch.setattr(StudyTables, "intake", lambda *_: pytest.fail("asked"))
    take_in(str(tmp_path / "shop.yml"))


def test_a_kernel_that_starts_is_looked_for_every_few_milliseconds():
    client = engine.ForkedClient()
    with client.context.socket(zmq.DEALER) as socket:
        assert socket.getsockopt(zmq.RECONNECT_IVL) == engine.MILLISECONDS < 100
    client.context.destroy()


def test_a_kernel_that_waits_for_its_turn_spends_none_of_its_time(tmp_path, server):
    turns = Turns(1)
    before, turn = Turn(turns), Turn(turns)
    threading.Timer(3, before.over).start()
    _, error = execute(
        ["# A", "config = 1"], tmp_path, server=server, timeout=2, turn=turn
    )
    assert error is None
    assert turn.waited > 1
    assert Turn(turns)._place.is_set()  # its place is free again


def test_what_no_page_uses_is_not_loaded_for_kernels():
    import segment_lab
    from segment_lab.render import forked

    names = set(forked._ours(Path(segment_lab.__file__).parent))
    assert {"segment_lab", "segment_lab.pages", "segment_lab.pages.rfm"} <= names
    rooms = {name.split(".")[1] for name in names if "." in name}
    assert not rooms & {"__main__", "cli", "render", "sample"}


def test_a_task_is_begun_when_what_it_needs_is_there(monkeypatch):
    from segment_lab.render.forked import Server

    begun = []
    monkeypatch.setattr(Server, "_fork", lambda self, request: request["id"])
    monkeypatch.setattr(Server, "_tell", lambda self, reply: begun.append(reply["id"]))
    server = Server(None)
    server._waiting = [{"id": 1, "task": "kernel"}, {"id": 2, "task": "call"}]
    server.able.add("call")
    server._start()
    assert begun == [2]
    server.able.add("kernel")
    server._start()
    assert begun == [2, 1]


def test_reading_begins_before_checking_and_checking_before_showing(monkeypatch):
    from segment_lab.render import forked

    done = []

    def steps(able):
        return lambda: iter([done.append(able)])

    stages = [(steps(able), able) for _, able in forked.STAGES]
    monkeypatch.setattr(forked, "STAGES", stages)
    server = forked.Server(None)
    seen = [set(server.able) for _ in server.loaded()]
    assert done == ["read", "call", "kernel", ""]
    assert seen[0] == set()
    assert {"read"} in seen
    assert {"read", "call"} in seen
    assert seen[-1] >= {"read", "call", "kernel"}


def test_a_lost_server_is_an_error_not_a_hang(tmp_path):
    from segment_lab.render.worker import ForkServer

    lost = ForkServer()
    os.kill(lost._process.pid, signal.SIGKILL)
    lost._process.wait()
    with pytest.raises(RuntimeError, match="no result"):
        lost.call("os:getpid", {}, tmp_path / "r")
    lost.close()


def test_a_server_that_is_ending_gives_no_child_to_wait_for(tmp_path, monkeypatch):
    from segment_lab.render.worker import ForkServer

    ending = ForkServer()
    ending.close()
    # Its last reply was read, but the system still counts it among the living.
    monkeypatch.setattr(ending._process, "poll", lambda: None)
    answers = ThreadPoolExecutor(1)
    child = answers.submit(ending.fork, "kernel", {}).result(10)
    assert child.poll() == -signal.SIGKILL
    answers.shutdown()


def test_children_die_with_the_process_that_asked_for_them(tmp_path):
    code = (
        "from segment_lab.render.worker import ForkServer\n"
        "server = ForkServer()\n"
        "child = server.fork('call', {'function': 'time:sleep', 'arguments': {}, 'result': 'r'})\n"
        "child = server.fork('call', {'function': 'signal:pause', 'arguments': {}, 'result': 'r'})\n"
        "print(server._process.pid, child.pid, flush=True)\n"
        "child.wait()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert parent.stdout is not None
    pids = [int(word) for word in parent.stdout.readline().split()]
    assert len(pids) == 2
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while any(map(psutil.pid_exists, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(psutil.pid_exists, pids))
