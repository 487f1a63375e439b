import json

from training.nano.layout import ENTRY, write_entry


def test_the_catalogue_entry_is_written_and_the_rest_of_the_file_kept(tmp_path):
    path = tmp_path / "zimage.json"
    write_entry(path)
    path.write_text(json.dumps({"name": "old", "preview_map": {"offset": [0.2, 0.1, 0.1]}}), "utf-8")
    write_entry(path)
    entry = json.loads(path.read_text("utf-8"))
    assert entry["name"] == ENTRY.name
    assert entry["preview_map"] == {"offset": [0.2, 0.1, 0.1]}
    assert [tuple(size) for size in entry["sizes"]] == list(ENTRY.sizes)
