"""Options of `collect`: what they make, and what they refuse."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

import dsrkit


def collect(client: dsrkit.Client, out: Path, **options: Any) -> tuple[dsrkit.Report, Path]:
    run = client.retrieve(["ann"])
    run.wait()
    report = run.collect(out, **options)
    assert report.problems == ()
    (package,) = (out / "subjects").iterdir()
    return report, package


def test_a_package_is_readable_and_says_what_is_missing(
    client: dsrkit.Client, tmp_path: Path
) -> None:
    report, package = collect(client, tmp_path, language="de", timezone="Europe/Berlin")
    page = (package / "index.html").read_text("utf-8")
    assert '<html lang="de"' in page
    assert "Europe/Berlin" in page.replace("&#x2f;", "/")
    assert [row.package for row in report.outcomes] == [package]
    assert len(report.missing_texts) == 8 and "purposes" in report.missing_texts
    assert report.to_dict()["missing_texts"] == list(report.missing_texts)
    assert (package / "data" / "events.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert isinstance(json.loads((package / "data" / "profile.json").read_text("utf-8")), list)


def test_without_pages_there_is_only_data(client: dsrkit.Client, tmp_path: Path) -> None:
    report, package = collect(client, tmp_path, html=False)
    assert sorted(path.name for path in package.iterdir()) == ["data", "manifest.json"]
    assert report.missing_texts == ()


def test_own_texts_fill_the_slots(client: dsrkit.Client, tmp_path: Path) -> None:
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "slots.toml").write_text('purposes = "To run the shop."\n')
    report, package = collect(client, tmp_path / "out", templates=templates)
    assert "purposes" not in report.missing_texts
    assert "To run the shop." in (package / "index.html").read_text("utf-8")


def test_a_passphrase_makes_a_zip(client: dsrkit.Client, tmp_path: Path) -> None:
    report, package = collect(client, tmp_path, protect="correct horse")
    assert package.suffix == ".zip"
    assert [row.package for row in report.outcomes] == [package]
    with zipfile.ZipFile(package) as archive:
        assert "index.html" in archive.namelist()
        assert all(member.flag_bits & 1 for member in archive.infolist())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"language": "xx"}, "language"),
        ({"timezone": "Mars/Olympus"}, "time zone"),
        ({"protect": ""}, "passphrase"),
        ({"templates": "/does/not/exist"}, "templates"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_written(
    client: dsrkit.Client, tmp_path: Path, options: dict[str, Any], says: str
) -> None:
    run = client.retrieve(["ann"])
    run.wait()
    with pytest.raises(dsrkit.DsrError, match=says):
        run.collect(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_place_that_is_no_folder_is_an_error_and_purged_data_is_not_said_to_be_here(
    client: dsrkit.Client, tmp_path: Path
) -> None:
    run = client.retrieve(["ann"])
    run.wait()
    run.collect(tmp_path / "out")
    (tmp_path / "f.py").write_text("x")
    with pytest.raises(dsrkit.FileError):
        run.collect(tmp_path / "f.py")
    assert "their data is on this machine" in str(run.report())
    client.purge(older_than=0)
    assert "is on this machine" not in str(run.report())
