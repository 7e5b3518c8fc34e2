"""Let processes race for one wave while leases run out: ``python race.py --rounds 20 --messages 10000``.

Some mails take longer than the lease of those who send them. Whoever else looks then finds a message that was taken and
has no outcome, and must not send it.
"""

import argparse
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from wave import LEASE, people, program

from kill import Outcome
from sink import listening

from databases import empty_place, postgresql_server

WAVE = Path(__file__).with_name("wave.py")


def raced(url, *, processes, messages, every=500, delay=0.002):
    """Dispatch a wave by processes with two connections each; one mail of `every` takes longer than its lease."""
    with listening(delay, slow=(every, 1.5 * LEASE.total_seconds())) as (sink, port):
        found = program(url, port)
        start = datetime.now(UTC)
        found.adopt(found.plan(people(messages), at=start), at=start)
        command = [sys.executable, WAVE, url, str(port), "2"]
        with ThreadPoolExecutor(processes) as pool:
            list(pool.map(lambda _: subprocess.run(command, check=True, stdout=subprocess.PIPE), range(processes)))
        listed = set(found.uncertain(at=datetime.now(UTC) + LEASE))
        found.store.close()
        return Outcome(sink.delivered, listed, messages, 0), sink.slowed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=8)
    options = parser.parse_args()
    with postgresql_server() as server:
        for _ in range(options.rounds):
            began = time.perf_counter()
            outcome, slowed = raced(empty_place(server), processes=options.processes, messages=options.messages)
            print(f"{outcome}; {slowed} leases ran out; after {time.perf_counter() - began:.0f} s", flush=True)
            if outcome.duplicates or outcome.lost or outcome.uncertain:
                sys.exit(1)
