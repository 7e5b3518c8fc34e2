"""What protection costs and what a threshold leaks, over synthetic companies with three attributes."""

import argparse
import time
from itertools import combinations

import numpy as np
from scipy.optimize import linprog
from timing import row, seconds

from netpromoter.rules import Disclosure

ATTRIBUTES = ("department", "site", "tenure")
TABLES = [table for size in range(3) for table in combinations(ATTRIBUTES, size)]
CATEGORIES = (0.25, 0.35, 0.4)
TENURE = (0.15, 0.2, 0.25, 0.2, 0.2)


def skewed(rng, size, low, high):
    """Give shares that fall with the rank, as the sizes of departments and of sites do."""
    shares = 1 / np.arange(1, size + 1) ** rng.uniform(low, high)
    return shares / shares.sum()


def company(rng, employees=None):
    """Give the labels of those who answered in a company of 50 to 2,000.

    Departments are skewed, and each has its own mix of sites; 60 to 80 percent answer.
    """
    employees = employees or round(np.exp(rng.uniform(np.log(50), np.log(2000))))
    departments = int(np.clip(round(employees**0.42 * rng.uniform(0.7, 1.3)), 3, 25))
    sites = int(np.clip(round(employees**0.25 * rng.uniform(0.7, 1.5)), 2, 12))
    department = rng.choice(departments, employees, p=skewed(rng, departments, 0.6, 1.1))
    mixes = rng.dirichlet(6 * skewed(rng, sites, 0.8, 1.4), departments).cumsum(1)
    site = np.minimum((rng.random((employees, 1)) > mixes[department]).sum(1), sites - 1)
    tenure = rng.choice(len(TENURE), employees, p=TENURE)
    answered = rng.random(employees) < rng.uniform(0.6, 0.8)
    return {name: codes[answered] for name, codes in zip(ATTRIBUTES, (department, site, tenure), strict=True)}


def shares(companies, tables, of="scores"):
    """Give the shares of large groups given up and of small ones that a threshold leaks, what is left, and seconds."""
    control = Disclosure()
    large = given_up = small = leaks = left = 0
    spent = []
    for columns in companies:
        start = time.perf_counter()
        protected = control.protect(columns, tables, of=of)
        spent.append(time.perf_counter() - start)
        threshold = [*protected.shown, *protected.given_up]
        found = control.audit(columns, threshold, tables, of=of)
        large += len(threshold)
        given_up += len(protected.given_up)
        small += len(protected.under_minimum)
        leaks += sum(each.group is not None for each in found)
        left += len(protected.recoverable)
    return {"given up": given_up / large, "leaked": leaks / small, "left": left, "seconds": spent}


def bounded(companies, rng):
    """Give the shares of small groups of which some, and all, of three counts follow as no count is below 0."""
    small = some = every = 0
    for columns in companies:
        protected = Disclosure().protect(columns, TABLES)
        shown, cells = protected.released.rows, protected.released.cells
        order = {cell.labels: place for place, cell in enumerate(cells)}
        own = [order[labels] for labels in zip(*(columns[name].tolist() for name in ATTRIBUTES), strict=True)]
        ratings = np.zeros((len(CATEGORIES), len(cells)))
        np.add.at(ratings, (rng.choice(len(CATEGORIES), len(own), p=CATEGORIES), own), 1)
        for group in protected.under_minimum:
            places = [ATTRIBUTES.index(name) for name in group.table]
            row = np.array([float(tuple(cell.labels[place] for place in places) == group.labels) for cell in cells])
            known = sum(_is_fixed(row, shown, shown @ counts) for counts in ratings)
            small, some, every = small + 1, some + (known > 0), every + (known == len(CATEGORIES))
    return some / small, every / small


def _is_fixed(row, shown, sums):
    low, high = (sign * linprog(sign * row, A_eq=shown, b_eq=sums).fun for sign in (1, -1))
    return np.ceil(low - 1e-6) >= np.floor(high + 1e-6)


def main():
    """Measure all companies, and one of 2,000."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--companies", type=int, default=1000)
    parser.add_argument("--crossed", action="store_true", help="release all three attributes together, too")
    parser.add_argument("--comments", action="store_true", help="with the minimum of comments")
    parser.add_argument("--bounds", type=int, default=0, help="how many companies of 200 to look at for bounds")
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    tables = TABLES + [ATTRIBUTES] * options.crossed
    companies = [company(rng) for _ in range(options.companies)]
    found = shares(companies, tables, "comments" if options.comments else "scores")
    what = f"{len(companies):,} companies of 50 to 2,000, {len(tables)} tables of three attributes"
    row(
        f"groups given up: {what}",
        f"{found['given up']:.1%}",
        against="the groups that a threshold shows",
        ratio=f"{found['given up']:.1%}",
        target="at most 25%",
    )
    row(
        "withheld groups that are recoverable",
        str(found["left"]),
        against=f"a threshold alone, {found['leaked']:.1%} of the small groups",
        ratio=str(found["left"]),
        target="0",
    )
    one = shares([company(rng, 2000)], tables)["seconds"][0]
    row(
        "protection and audit of one company of 2,000",
        seconds(one),
        against=f"the slowest of all, {seconds(max(found['seconds']))}",
        ratio=seconds(one),
        target="below 1 s",
    )
    if options.bounds:
        some, every = bounded([company(rng, 200) for _ in range(options.bounds)], rng)
        row(
            f"small groups of which bounds fix one of three counts: {options.bounds} companies of 200",
            f"{some:.1%}",
            against="the small groups; all three counts",
            ratio=f"{every:.1%}",
            target="stated",
        )


if __name__ == "__main__":
    main()
