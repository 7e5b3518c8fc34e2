"""Draws: random to look at, the same tomorrow, and independent of one another.

Every draw is a keyed hash of a contact's id. The key is made from the purpose of the draw and a seed, so that who is
sampled says nothing about who sees which subject.

References
----------
Steele, G. L., Lea, D. and Flood, C. H. (2014). Fast splittable pseudorandom number generators. *OOPSLA*, 453-472
(the finalizer `_mixed`).
Aumasson, J.-P. and others (2013). BLAKE2: simpler, smaller, fast as MD5. *ACNS*, 119-135 (the digests and the keys).
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from netpromoter.model import Contacts

__all__ = ["draws"]

_Words = npt.NDArray[np.uint64]
_UNIT = 2.0**-53


def draws(contacts: Contacts, purpose: str, seed: str) -> npt.NDArray[np.float64]:
    """Give everybody a number, uniform from 0 to below 1.

    Parameters
    ----------
    contacts : Contacts
        Of n people.
    purpose : str
        What the draw decides; draws of two purposes are independent.
    seed : str
        Which of many such draws it is: a survey and its wave.

    Returns
    -------
    array of float, shape (n,)
        It depends on the purpose, the seed and the id alone: not on the other people, their order or the day.

    Examples
    --------
    >>> from netpromoter.model import Contact
    >>> few = Contacts.of([Contact(id="c-1"), Contact(id="c-2")])
    >>> more = Contacts.of([Contact(id="c-0"), Contact(id="c-1"), Contact(id="c-2")])
    >>> bool((draws(few, "sample", "autumn") == draws(more, "sample", "autumn")[1:]).all())
    True
    """
    low, high = _key(purpose, seed)
    digests = contacts.digests
    words = _mixed(digests[:, 0] ^ low)
    words += digests[:, 1] ^ high
    uniform: npt.NDArray[np.float64] = (_mixed(words) >> np.uint64(11)).astype(np.float64) * _UNIT
    return uniform


def _key(purpose: str, seed: str) -> _Words:
    named = b"\x00".join(part.encode("utf-8", "surrogatepass") for part in (f"{len(purpose)}", purpose, seed))
    return np.frombuffer(blake2b(named, digest_size=16).digest(), "<u8").astype(np.uint64)


def _mixed(words: _Words) -> _Words:
    words ^= words >> np.uint64(30)
    words *= np.uint64(0xBF58476D1CE4E5B9)
    words ^= words >> np.uint64(27)
    words *= np.uint64(0x94D049BB133111EB)
    words ^= words >> np.uint64(31)
    return words
