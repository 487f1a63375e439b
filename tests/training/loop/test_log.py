import torch
from training.loop.log import Log


def test_the_log_writes_means(tmp_path, capsys):
    log = Log(tmp_path / "log.csv", every=2)
    log.add(1, 0.5, {"loss": 1.0})
    log.add(2, 0.5, {"loss": torch.tensor(3.0)})
    header, row = (tmp_path / "log.csv").read_text().splitlines()
    assert header.split(",")[0::2] == ["step", "loss"]
    assert row.split(",")[0::2] == ["2", "2.0"]
    assert "##########" in capsys.readouterr().out


def test_a_log_averages_each_value_over_the_steps_that_have_it(tmp_path):
    log = Log(tmp_path / "log.csv", every=3, names=("loss", "other"))
    log.add(1, 0.0, {"loss": 1.0})
    log.add(2, 0.0, {"other": 5.0})
    log.add(3, 0.0, {"loss": 2.0})
    for step in range(4, 7):
        log.add(step, 0.0, {"loss": 4.0})
    header, first, second = (tmp_path / "log.csv").read_text().splitlines()
    assert header == "step,seconds,loss,other"
    assert first.split(",")[2:] == ["1.5", "5.0"]
    assert second.split(",")[2:] == ["4.0", ""]
