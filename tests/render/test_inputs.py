"""Which files a study file names: any of its texts may be one, and most are none."""

from __future__ import annotations

import pytest

from segment_lab.render.inputs import files_named


@pytest.mark.parametrize(
    "title",
    ["x" * 300, "x" * 300 + "/**", "**", "a/**b", "~nobody_here", "/*/x*/ /*", "a\0*"],
)
def test_a_text_that_is_no_path_names_nothing(title, tmp_path):
    assert not [
        name
        for name in files_named({"title": title}, tmp_path)
        if "x" * 300 in str(name)
    ]


def test_a_text_that_is_a_path_names_the_file(tmp_path):
    (tmp_path / "own.yml").write_text("a: 1")
    assert "own.yml" in str(files_named({"playbook": "own.yml"}, tmp_path))
