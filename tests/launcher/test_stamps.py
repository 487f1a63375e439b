from __future__ import annotations

from launcher.stamps import Stamp, files_below, hash_inputs


def test_a_stamp_holds_for_its_key_only(tmp_path):
    stamp = Stamp(tmp_path / "deep" / "stamp")
    assert not stamp.matches("a")
    stamp.write("a", torch="cpu")
    assert stamp.matches("a")
    assert not stamp.matches("b")
    assert stamp.read()["torch"] == "cpu"
    stamp.clear()
    assert not stamp.matches("a")


def test_a_torn_stamp_counts_as_none(tmp_path):
    for content in ("", '{"key": "a', "[]", "\x00"):
        (tmp_path / "stamp").write_text(content)
        assert Stamp(tmp_path / "stamp").read() == {}


def test_hash_sees_contents_names_and_facts(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("same")
    two.write_text("same")
    hashes = {
        hash_inputs([one]),
        hash_inputs([two]),
        hash_inputs([one, two]),
        hash_inputs([one], "cpu"),
        hash_inputs([one], "c", "pu"),
        hash_inputs([tmp_path / "missing"]),
    }
    assert len(hashes) == 6


def test_files_below_leaves_out_top_level_names_only(tmp_path):
    for name in ("src/a.js", "src/dist/b.js", "dist/c.js", "index.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in files_below(tmp_path, frozenset({"dist"}))]
    assert found == ["index.html", "src/a.js", "src/dist/b.js"]
