import gc
import logging

import pytest
import torch
from zimage.residency import host
from zimage.residency.host import CudaLocker, HostMemory, as_laid_out


class FakeLocker:
    def __init__(self, room=10**9):
        self.room = room
        self.locked: dict[int, int] = {}

    def lock(self, address, size_bytes):
        if size_bytes > self.room:
            return False
        self.locked[address] = size_bytes
        return True

    def unlock(self, address):
        del self.locked[address]


TENSORS = [
    torch.arange(6.0).view(2, 3),
    torch.arange(-8, 8, dtype=torch.int8),
    torch.randn(4, 4).to(torch.bfloat16),
    torch.randn(4, 4).to(torch.float8_e4m3fn),
    torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
    torch.tensor(3.0),
    torch.empty(0, 4),
]


@pytest.mark.parametrize("tensor", TENSORS, ids=lambda tensor: f"{tensor.dtype}{tuple(tensor.shape)}")
def test_values_and_layout_are_kept(tensor):
    kept = HostMemory().keep(tensor)
    assert (kept.dtype, kept.shape, kept.stride()) == (tensor.dtype, tensor.shape, tensor.stride())
    assert torch.equal(kept.float(), tensor.float())
    assert not tensor.numel() or kept.data_ptr() != tensor.data_ptr()


def test_pages_are_locked_while_the_tensor_lives():
    locker = FakeLocker()
    kept = HostMemory(locker).keep(torch.ones(1000))
    assert locker.locked == {kept.data_ptr(): 4000}
    view = kept[10:20]
    del kept
    gc.collect()
    assert locker.locked
    assert view.sum() == 10
    del view
    gc.collect()
    assert not locker.locked


def test_a_machine_that_locks_no_more_is_asked_once_and_tells_it(caplog):
    locker = FakeLocker(room=100)
    memory = HostMemory(locker)
    with caplog.at_level(logging.WARNING):
        kept = [memory.keep(torch.ones(n)) for n in (10, 1000, 10)]
    assert [tensor.sum().item() for tensor in kept] == [10, 1000, 10]
    assert len(locker.locked) == 1
    assert len(caplog.records) == 1


class FakeRuntime:
    """CUDA's, which may refuse."""

    def __init__(self, code):
        self.code = code
        self.told = []

    def register(self, address, size_bytes, flags):
        self.told.append(("register", address, size_bytes, flags))
        return self.code

    def unregister(self, address):
        self.told.append(("unregister", address))

    cudaHostRegister, cudaHostUnregister = register, unregister  # noqa: N815 — CUDA's own names


@pytest.mark.parametrize(("code", "is_locked"), [(0, True), (2, False)])
def test_cuda_is_told_of_pages_and_before_they_go(monkeypatch, code, is_locked):
    runtime = FakeRuntime(code)
    monkeypatch.setattr(host.torch.cuda, "cudart", lambda: runtime)
    monkeypatch.setattr(host.torch.cuda, "synchronize", lambda device: runtime.told.append(("synchronize", device)))
    device = torch.device("cpu")  # of the kernel that takes a refusal back
    kept = HostMemory(CudaLocker(device)).keep(torch.ones(8))
    address = kept.data_ptr()
    del kept
    gc.collect()
    registered = ("register", address, 32, 1)
    expected = [registered, ("synchronize", device), ("unregister", address)] if is_locked else [registered]
    assert runtime.told == expected


def test_a_processor_needs_no_locks():
    assert HostMemory.of(torch.device("cpu"))._locker is None
    assert HostMemory.of(torch.device("cuda"))._locker is not None


def test_bytes_become_a_tensor_like_another():
    like = torch.empty(2, 3, 2, 2, dtype=torch.float32, device="meta").to(memory_format=torch.channels_last)
    flat = torch.zeros(1000, dtype=torch.uint8)
    view = as_laid_out(flat[256:], like)
    view.fill_(1)
    assert view.stride() == like.stride()
    assert flat[256 : 256 + 96].any()
    assert not flat[256 + 96 :].any()
