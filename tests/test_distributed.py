"""Several processes: what has to be downloaded is downloaded once, by the first of them."""

import threading

import pytest
import torch

from srgan_lib.errors import SrganError
from srgan_lib.training import distributed


class Group:
    """Two processes, as two threads: their collective calls wait for each other."""

    def __init__(self, monkeypatch):
        self.barrier, self.flags, self.own = threading.Barrier(2, timeout=60), [], threading.local()
        monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
        monkeypatch.setattr(torch.distributed, "get_backend", lambda: "gloo")
        monkeypatch.setattr(torch.distributed, "all_reduce", self.all_reduce)
        monkeypatch.setattr(distributed, "_is_first", lambda: self.own.rank == "0")

    def all_reduce(self, flag, operation):
        assert operation is torch.distributed.ReduceOp.MIN
        self.flags.append(flag.item())
        self.barrier.wait()
        flag.fill_(min(self.flags))

    def run(self, work):
        """(result or error) of each process, in order of rank."""
        told = {}

        def process(rank):
            self.own.rank = rank
            try:
                told[rank] = work(rank)
            except SrganError as error:
                told[rank] = error

        threads = [threading.Thread(target=process, args=(rank,)) for rank in "01"]
        for thread in reversed(threads):  # the second comes first, and has to wait
            thread.start()
        for thread in threads:
            thread.join(60)
        return told["0"], told["1"]


def test_the_first_process_downloads_and_the_others_find_it(monkeypatch):
    disk, downloads = set(), []

    def get(rank):
        with distributed.first_alone():
            if "data" not in disk:
                downloads.append(rank)
                disk.add("data")
        return rank

    assert Group(monkeypatch).run(get) == ("0", "1") and downloads == ["0"]


def test_when_the_first_fails_the_others_do_not_try(monkeypatch):
    tried = []

    def get(rank):
        with distributed.first_alone():
            tried.append(rank)
            raise SrganError("the server answered 404")

    first, second = Group(monkeypatch).run(get)
    assert str(first) == "the server answered 404" and "the first process could not" in str(second)
    assert tried == ["0"]


def test_one_process_alone_waits_for_nobody():
    with distributed.first_alone():
        pass
    with pytest.raises(ValueError, match="mine"), distributed.first_alone():
        raise ValueError("mine")
