from __future__ import annotations

import numpy as np
import pytest

from zoo_localization.ranks import truth_ranks

FILTERS, MEMBERS, SIZE = 3, 7, 11


def generators(seed=0):
    return [np.random.default_rng([seed, row]) for row in range(FILTERS)]


def test_the_rank_is_how_many_members_lie_below_the_truth():
    rng = np.random.default_rng(0)
    ensemble, truth = rng.normal(size=(FILTERS, MEMBERS, SIZE)), rng.normal(size=(FILTERS, SIZE))
    ranks = truth_ranks(ensemble, truth, generators())
    for row in range(FILTERS):
        for state in range(SIZE):
            values = sorted([*ensemble[row, :, state], truth[row, state]])
            assert ranks[row, state] == values.index(truth[row, state])


def flatness(ensembles, truths):
    """Return chi-squared of the ranks over its degrees of freedom: 1 of draws of one kind."""
    pairs = enumerate(zip(ensembles, truths, strict=True))
    ranks = np.array([truth_ranks(members, truth, generators(n)) for n, (members, truth) in pairs])
    counts = np.bincount(ranks.ravel(), minlength=MEMBERS + 1)
    expected = ranks.size / (MEMBERS + 1)
    return float(((counts - expected) ** 2 / expected).sum() / MEMBERS)


@pytest.mark.parametrize("kinds", [None, 2, 5])
def test_a_truth_that_is_one_more_draw_has_all_ranks_equally_often_ties_or_not(kinds):
    rng = np.random.default_rng(1)
    draws = rng.normal(size=(400, FILTERS, MEMBERS + 1, SIZE))
    if kinds is not None:
        draws = np.floor(np.clip(draws, -1.9, 1.9) * kinds / 2)
    # 99.9 % of such chi-squared lie below 24.3, that is 3.5 a degree of freedom.
    assert flatness(draws[:, :, 1:], draws[:, :, 0]) < 3.5


@pytest.mark.parametrize(("factor", "ends"), [(0.5, 1.5), (2.0, 0.7)])
def test_small_spread_puts_the_truth_at_the_ends_and_large_spread_away_from_them(factor, ends):
    rng = np.random.default_rng(2)
    truths = rng.normal(size=(400, FILTERS, SIZE))
    ensembles = factor * rng.normal(size=(400, FILTERS, MEMBERS, SIZE))
    pairs = zip(ensembles, truths, strict=True)
    ranks = np.array([truth_ranks(members, truth, generators()) for members, truth in pairs])
    share = np.isin(ranks, [0, MEMBERS]).mean() * (MEMBERS + 1) / 2
    assert share > ends if factor < 1 else share < ends


def test_ties_are_broken_by_each_filters_own_generator():
    tied = np.zeros((FILTERS, MEMBERS, SIZE))
    whole = truth_ranks(tied, np.zeros((FILTERS, SIZE)), generators())
    assert len(np.unique(whole)) > 3
    last = truth_ranks(tied[2:], np.zeros((1, SIZE)), generators()[2:])
    np.testing.assert_array_equal(last, whole[2:])
    untouched = generators()
    truth_ranks(tied, np.ones((FILTERS, SIZE)), untouched)
    assert untouched[0].random() == generators()[0].random()
