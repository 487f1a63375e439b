"""The measurement of edits, with a small image: every kind is there."""


def test_every_kind_of_edit_is_measured(tmp_path, capsys):
    from bench.editing import MARK, edits, main
    from bench.table import marks

    page = tmp_path / "page.md"
    mark, end_mark = marks(MARK)
    page.write_text(f"above\n{mark}\nold\n{end_mark}\nbelow\n", "utf-8")
    main(["--side", "128", "--rounds", "1", "--write", str(page)])
    out = capsys.readouterr().out
    assert out.strip() in page.read_text("utf-8")
    assert all(f"128²: {kind}" in out for kind in edits(128))
