"""Kill dispatchers at random instants and count what arrived: ``python kill.py URL --kills 200 --messages 10000``."""

import argparse
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from wave import LEASE, people, program

from sink import listening

from databases import empty_place, postgresql_server

WAVE = Path(__file__).with_name("wave.py")


def killed(url, *, kills, messages, workers, idempotent=False, seed=1, delay=0.0):
    """Dispatch a wave, killing the dispatcher again and again; give what the sink, and what the ledger, knows."""
    chance = random.Random(seed)
    with listening(delay) as (sink, port):
        found = program(url, port, idempotent=idempotent)
        start = datetime.now(UTC)
        found.adopt(found.plan(people(messages), at=start), at=start)
        command = [sys.executable, WAVE, url, str(port), str(workers), *["idempotent"] * idempotent]
        done = 0
        while done < kills:
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                process.stdout.readline()
                time.sleep(chance.uniform(0, 0.5))
                process.kill()
            done += 1
        time.sleep(LEASE.total_seconds())
        for _ in range(3):
            subprocess.run(command, check=True, stdout=subprocess.PIPE)
        listed = set(found.uncertain(at=datetime.now(UTC) + LEASE))
        found.store.close()
    return Outcome(sink.delivered, listed, messages, 0 if idempotent else kills * workers)


class Outcome:
    """What arrived, and what is listed as uncertain."""

    def __init__(self, delivered: Counter, listed, messages, most):
        known = {message.split("/")[2] for message in listed}  # whichever attempt it was
        self.duplicates = sum(times - 1 for times in delivered.values() if times > 1)
        people = range(messages)
        self.lost = [each for each in people if not delivered[f"{each}@example.com"] and f"c-{each}" not in known]
        self.uncertain, self.most = len(listed), most
        self.delivered = len(delivered)

    def __repr__(self):
        return (
            f"{self.delivered:,} delivered, {self.duplicates} duplicates, {len(self.lost)} silently lost, "
            f"{self.uncertain} uncertain (at most {self.most:,})"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="or `postgresql`, for a server that is thrown away")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--idempotent", action="store_true")
    parser.add_argument("--delay", type=float, help="seconds a mail takes; else such that the wave outlasts the kills")
    options = vars(parser.parse_args())
    options["delay"] = options["delay"] or options["workers"] / 200
    began = time.perf_counter()
    with ExitStack() as opened:
        url = options.pop("url")
        place = empty_place(opened.enter_context(postgresql_server())) if url == "postgresql" else url
        outcome = killed(place, **options)
    print(f"{outcome} after {time.perf_counter() - began:.0f} s")
    # what an idempotent channel is given again, the other side throws away
    is_doubled = bool(outcome.duplicates) and not options["idempotent"]
    sys.exit(bool(is_doubled or outcome.lost or outcome.uncertain > outcome.most))
