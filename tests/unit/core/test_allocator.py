"""What a process has freed goes back to the system, whichever thread had it."""

import subprocess
import sys

_GROWS_AND_FREES = """
import os, threading
from callcenter.core.allocator import keep_memory_flat
keep_memory_flat()

def resident_mb():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6

def use():
    del bytearray(30_000_000)[:]  # from now on glibc would keep twice as much
    blocks = [bytearray(60_000) for _ in range(900)]
    return len(blocks)

before = resident_mb()
threads = [threading.Thread(target=use) for _ in range(4)]
for thread in threads:
    thread.start()
    thread.join()
print(resident_mb() - before)
"""


def test_what_a_thread_used_goes_back() -> None:
    done = subprocess.run([sys.executable, "-c", _GROWS_AND_FREES], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 20, "of 54 MB"


_LOOKS_FOR_GARBAGE = """
import gc
from callcenter.core.allocator import collect_seldom
there = [[] for _ in range(100_000)]
collect_seldom()
before = [one["collections"] for one in gc.get_stats()]
young = [[] for _ in range(9_000)]
print(*(after["collections"] - one for one, after in zip(before, gc.get_stats())), gc.get_freeze_count() > 100_000)
young.append(young)
del young
more = [[] for _ in range(3_000)]
print(sum(one["collected"] for one in gc.get_stats()) > 0)
"""


def test_garbage_is_looked_for_seldom_and_not_in_what_is_there_when_serving_begins() -> None:
    done = subprocess.run([sys.executable, "-c", _LOOKS_FOR_GARBAGE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "0", "0", "True", "True"]
