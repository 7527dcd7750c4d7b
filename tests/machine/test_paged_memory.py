"""Images of memory against plain copies of it."""

from __future__ import annotations

import random

import numpy
import pytest

from lrvm_jit.core.paged_memory import PAGE_WORDS, PagedMemory, Pages

PAGES = 5


@pytest.mark.parametrize("rest", [0, 1, 1000])
@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_images_and_their_return(rest: int, seed: int) -> None:
    rng = random.Random(seed)
    words = numpy.zeros(PAGES * PAGE_WORDS + rest, numpy.uint32)
    memory = PagedMemory(words)
    images: list[tuple[Pages, bytes]] = []
    if seed:
        images.append((PagedMemory(words + numpy.uint32(seed)).take(), (words + seed).tobytes()))
    for _ in range(60):
        for _ in range(rng.choice((0, 1, 1, 2))):
            words[rng.randrange(len(words))] = rng.choice((0, rng.getrandbits(32)))
        if not images or rng.random() < 0.5:
            pages = memory.take()
            assert b"".join(pages) == words.tobytes()
            images.append((pages, words.tobytes()))
        else:
            pages, before = rng.choice(images)
            changes = words.tobytes() != before
            assert memory.put(pages) == changes
            assert words.tobytes() == before
    assert all(b"".join(pages) == content for pages, content in images)


def test_what_did_not_change_is_shared() -> None:
    words = numpy.zeros(PAGES * PAGE_WORDS, numpy.uint32)
    words[0] = 1
    memory = PagedMemory(words)
    first = memory.take()
    assert len({id(page) for page in first}) == 2
    words[PAGE_WORDS] = 1
    second = memory.take()
    assert [one is other for one, other in zip(first, second, strict=True)] == [
        True,
        False,
        True,
        True,
        True,
    ]
    assert memory.take() == second
