"""The comparison of quantised and plain matrices, with a model of a few values: who is there, and what is held."""

import pytest


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_tiny_model_is_measured_in_turns(tmp_path, capsys):
    from bench.quantized import MARK, main
    from bench.table import marks

    page = tmp_path / "page.md"
    mark, end_mark = marks(f"{MARK}:tiny")
    page.write_text(f"above\n{mark}\nold\n{end_mark}\nbelow\n", "utf-8")
    main(["tiny", "--device", "cpu", "--size", "64", "--rounds", "1", "--write", str(page)])
    out = capsys.readouterr().out
    rows = [line.strip("| ").split(" | ") for line in out.splitlines() if line.startswith("| tiny")]
    assert out.strip() in page.read_text("utf-8")
    plain, int8, fp8 = rows
    assert (plain[2], fp8[2]) == ("plain", "decode")
    assert int8[2] in ("decode", "int_mm", "onednn")
    assert [row[1].split(",")[0] for row in (int8, fp8)] == ["int8", "fp8"]
    differences = [float(row[-1]) for row in rows]
    assert differences[0] == 0 < min(differences[1:])
