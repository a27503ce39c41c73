"""The report of the A/B test against scipy: standard errors, intervals and p-values."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from tests.tables.conftest import Summarise

DAY = date(2024, 1, 1)
ITEM = 1
#: Of each customer of each variant, what each purchase cost.
Paid = dict[str, list[list[int]]]


def test_the_report_is_what_scipy_says(summarise: Summarise) -> None:
    chance = np.random.default_rng(20240101)
    paid: Paid = {
        variant: [chance.integers(1, 500, chance.binomial(3, buys)).tolist() for _ in range(customers)]
        for variant, customers, buys in [("control", 400, 0.10), ("A", 450, 0.12), ("B", 500, 0.10), ("C", 550, 0.35)]
    }

    rows = report(summarise, paid)

    assert list(rows) == list(paid), "the control first, and the others by their names"
    revenue = {variant: np.array([sum(costs) for costs in customers], float) for variant, customers in paid.items()}
    bought = {variant: np.array([bool(costs) for costs in customers], float) for variant, customers in paid.items()}
    for variant, row in rows.items():
        assert row["customers"] == len(paid[variant])
        assert row["purchases"] == row["clicks"] == sum(map(len, paid[variant]))
        assert row["buyers"] == bought[variant].sum()
        assert row["revenue"] == revenue[variant].sum()
        if variant != "control":
            compare(row, "conversion", bought[variant], bought["control"], of_two_proportions)
            compare(row, "revenue_per_customer", revenue[variant], revenue["control"], of_welch)


def of_two_proportions(variant: np.ndarray, control: np.ndarray) -> float:
    """The standard error of the difference of two shares, unpooled."""
    return float(np.sqrt(sum(share * (1 - share) / n for share, n in [(x.mean(), len(x)) for x in (variant, control)])))


def of_welch(variant: np.ndarray, control: np.ndarray) -> float:
    """The standard error of the difference of two means, out of Welch's statistic."""
    from scipy import stats  # here, because each process that only collects the tests would wait two seconds for it

    return float((variant.mean() - control.mean()) / stats.ttest_ind(variant, control, equal_var=False).statistic)


def compare(row: dict[str, Any], measure: str, variant: np.ndarray, control: np.ndarray, error_of: Any) -> None:
    """Compare the columns of a measure with what scipy computes from each customer's value."""
    from scipy import stats

    difference, error = variant.mean() - control.mean(), error_of(variant, control)
    low, high = stats.norm.interval(0.95, difference, error)
    for column, expected in {
        measure: variant.mean(),
        f"{measure}_lift_percent": difference / control.mean() * 100,
        f"{measure}_difference": difference,
        f"{measure}_difference_standard_error": error,
        f"{measure}_difference_low_95": low,
        f"{measure}_difference_high_95": high,
    }.items():
        assert row[column] == pytest.approx(expected, rel=1e-9), column
    assert row[f"{measure}_difference_p_value"] == p_value(difference / error)


def test_p_values_of_every_size(summarise: Summarise) -> None:
    # two customers a variant, 200 apart: one that is k above the control is k / sqrt(20,000) standard errors away
    apart = {f"v{k}": k for k in [*range(0, 1140, 12), 5_000, 1_000_000]}
    paid: Paid = {"control": [[2_000], [2_200]]} | {one: [[2_000 + k], [2_200 + k]] for one, k in apart.items()}

    rows = report(summarise, paid)

    for variant, k in apart.items():
        # what would underflow is as small as it was at 37, and neither 0 nor an error
        z = min(k / np.sqrt(20_000), 37)
        assert rows[variant]["revenue_per_customer_difference_p_value"] == p_value(z), f"{z} standard errors"


def p_value(z: float) -> Any:
    """What a two-sided p-value must be, within the error that Numerical Recipes state for their fit."""
    from scipy import stats

    return pytest.approx(2 * stats.norm.sf(abs(z)), rel=1.2e-7, abs=0)


def report(summarise: Summarise, paid: Paid) -> dict[str, dict[str, Any]]:
    """The report's rows by their variant, for customers who bought at these costs."""
    customers = [(variant, costs) for variant, of_variant in paid.items() for costs in of_variant]
    rows = summarise(
        "ab_test_report",
        customer_variants=[(number, variant) for number, (variant, _) in enumerate(customers)],
        customer_interactions=[
            (number, DAY, ITEM, 1, 1, cost) for number, (_, costs) in enumerate(customers) for cost in costs
        ],
    )
    return {row["variant"]: row for row in rows}
