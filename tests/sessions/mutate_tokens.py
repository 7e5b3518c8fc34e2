"""Mutate tokens in all the ways there are, and count how many are accepted: ``python mutate_tokens.py 10000000``."""

import argparse
import string
import sys
from datetime import UTC, datetime, timedelta
from random import Random

from netpromoter.engine import Links
from netpromoter.errors import InvalidToken

AT = datetime(2026, 6, 1, 8, tzinfo=UTC)
PURPOSES = ["answer", "unsubscribe", "view"]
ALPHABET = string.ascii_letters + string.digits + "-_"
KEYS = ["the newest secret of this session", "an older secret of this session"]
OTHERS = Links("https://nps.example.com", keys=["a secret that is not of this session"])
LINKS = Links("https://nps.example.com", keys=KEYS)
BEFORE = Links("https://nps.example.com", keys=KEYS[1:])


def replaced(random, token):
    """Replace a few characters."""
    characters = list(token)
    for place in random.sample(range(len(token)), random.randint(1, 3)):
        characters[place] = random.choice(ALPHABET)
    return "".join(characters)


def swapped(random, token):
    """Swap two characters."""
    characters, (one, other) = list(token), random.sample(range(len(token)), 2)
    characters[one], characters[other] = characters[other], characters[one]
    return "".join(characters)


def turned(random, token):
    """Change the case of one character."""
    place = random.randrange(len(token))
    return token[:place] + token[place].swapcase() + token[place + 1 :]


def resized(random, token):
    """Cut the token, or add to it."""
    return token[: random.randrange(len(token))] if random.random() < 0.5 else token + random.choice(ALPHABET + "=\n ")


def crossed(random, token):
    """Take the beginning of this token and the end of another valid one, unless that makes the other one."""
    other = LINKS.token(f"survey/wave/c-{random.randrange(1000)}/1/0", random.choice(PURPOSES), at=AT)
    place = random.randrange(1, len(token))
    mixed = token[:place] + other[place:]
    return token if mixed == other else mixed


def foreign(random, token):  # noqa: ARG001 -- all mutations share one signature
    """Sign with a key that is not known here."""
    return OTHERS.token(f"survey/wave/c-{random.randrange(1000)}/0/0", random.choice(PURPOSES), at=AT)


def random_text(random, token):
    """Write any token at all."""
    return "".join(random.choices(ALPHABET, k=len(token)))


MUTATIONS = [replaced, swapped, turned, resized, crossed, foreign, random_text]


def is_accepted(token, purpose, at):
    """Say whether a token is read."""
    try:
        LINKS.read(token, purpose, at=at)
    except InvalidToken:
        return False
    return True


def accepted(count, *, seed):
    """Try so many mutations, of which some are another purpose or a later day; count those that are read."""
    random = Random(seed)  # noqa: S311 -- a test is to be repeated
    found = 0
    for number in range(count):
        if number % 100 == 0:
            purpose = random.choice(PURPOSES)
            maker = random.choice([LINKS, BEFORE])
            valid = maker.token(f"survey/wave/c-{random.randrange(10**6)}/0/0", purpose, at=AT)
            assert is_accepted(valid, purpose, AT)
            others = [each for each in PURPOSES if each != purpose]
            found += sum(is_accepted(valid, each, AT) for each in others)
            found += is_accepted(valid, purpose, AT + timedelta(days=91))
        mutated = random.choice(MUTATIONS)(random, valid)
        found += mutated != valid and is_accepted(mutated, purpose, AT)
    return found


def main():
    """Try as many as asked for, and fail if one is accepted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=10**7)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found = accepted(options.count, seed=options.seed)
    sys.stdout.write(f"{options.count:,} mutated tokens, seed {options.seed}: {found} accepted\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
