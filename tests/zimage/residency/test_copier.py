import torch
from zimage.residency.copier import DirectCopier, choose_copier


def test_devices_without_streams_copy_at_once():
    copier = choose_copier(torch.device("cpu"))
    assert isinstance(copier, DirectCopier)
    source, target = torch.arange(4.0), torch.zeros(4)
    copier.wait(copier.copy([source], [target]))
    copier.finish()
    assert torch.equal(source, target)


def test_cuda_copies_on_a_stream_of_its_own_after_what_is_queued(monkeypatch):
    """Against a fake of CUDA's streams: the order of waits and copies is what correctness hangs on."""
    from zimage.residency import copier as module

    told: list[tuple[object, ...]] = []

    class Event:
        pass

    class Stream:
        def __init__(self, name="side"):
            self.name = name if isinstance(name, str) else "side"

        def wait_stream(self, other):
            told.append((self.name, "waits for", other.name))

        def wait_event(self, event):
            told.append((self.name, "waits for the copy"))

        def record_event(self):
            told.append((self.name, "records"))
            return Event()

    class Within:
        def __init__(self, stream):
            self.stream = stream

        def __enter__(self):
            told.append((self.stream.name, "enters"))

        def __exit__(self, *_):
            told.append((self.stream.name, "leaves"))

    main = Stream("main")
    monkeypatch.setattr(module.torch.cuda, "Stream", Stream)
    monkeypatch.setattr(module.torch.cuda, "Event", Event)
    monkeypatch.setattr(module.torch.cuda, "stream", Within)
    monkeypatch.setattr(module.torch.cuda, "current_stream", lambda _device: main)

    copier = choose_copier(torch.device("cuda"))
    source, target = torch.ones(3), torch.zeros(3)
    copied = copier.copy([source], [target])
    assert torch.equal(source, target)
    assert told == [("side", "waits for", "main"), ("side", "enters"), ("side", "leaves"), ("side", "records")]
    told.clear()
    copier.wait(copied)
    copier.finish()
    assert told == [("main", "waits for the copy"), ("main", "waits for", "side")]
