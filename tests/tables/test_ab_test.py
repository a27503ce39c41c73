"""The report of the A/B test against scipy: standard errors, intervals and p-values."""

from datetime import date
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tests.tables.conftest import Summarise

DAY = date(2024, 1, 1)
ITEM = 1


def test_the_report_is_what_scipy_says(summarise: Summarise) -> None:
    chance = np.random.default_rng(20240101)
    chances = {"control": 0.10, "A": 0.12, "B": 0.10, "C": 0.35}
    paid: dict[str, list[list[int]]] = {  # of each customer, what each purchase cost; many bought nothing, some more
        variant: [
            [int(chance.integers(1, 500)) for _ in range(chance.binomial(3, share))] for _ in range(400 + 50 * place)
        ]
        for place, (variant, share) in enumerate(chances.items())
    }

    rows = report(summarise, paid)

    assert list(rows) == ["control", "A", "B", "C"]
    revenue = {variant: np.array([sum(costs) for costs in customers], float) for variant, customers in paid.items()}
    bought = {variant: np.array([bool(costs) for costs in customers], float) for variant, customers in paid.items()}
    for variant in ("A", "B", "C"):
        row = rows[variant]
        assert row["customers"] == len(paid[variant])
        assert row["purchases"] == sum(map(len, paid[variant]))
        assert row["buyers"] == bought[variant].sum()
        assert row["revenue"] == revenue[variant].sum()
        welch = stats.ttest_ind(revenue[variant], revenue["control"], equal_var=False)
        # two proportions, each with the variance of its own share
        share = np.sqrt(sum(np.var(bought[one]) / len(bought[one]) for one in (variant, "control")))
        z = (bought[variant].mean() - bought["control"].mean()) / share
        for measure, values, error, statistic in (
            ("conversion", bought, share, z),
            ("revenue_per_customer", revenue, None, welch.statistic),
        ):
            difference = values[variant].mean() - values["control"].mean()
            error = difference / statistic if error is None else error
            low, high = stats.norm.interval(0.95, difference, error)
            assert row[measure] == pytest.approx(values[variant].mean(), rel=1e-9)
            assert row[f"{measure}_lift_percent"] == pytest.approx(
                difference / values["control"].mean() * 100, rel=1e-9
            )
            assert row[f"{measure}_difference"] == pytest.approx(difference, rel=1e-9)
            assert row[f"{measure}_difference_standard_error"] == pytest.approx(error, rel=1e-9)
            assert row[f"{measure}_difference_low_95"] == pytest.approx(low, rel=1e-9)
            assert row[f"{measure}_difference_high_95"] == pytest.approx(high, rel=1e-9)
            assert row[f"{measure}_difference_p_value"] == pytest.approx(2 * stats.norm.sf(abs(statistic)), rel=1.2e-7)


def test_p_values_of_every_size(summarise: Summarise) -> None:
    # two customers a variant, 200 apart: a variant that is k above the control is k / sqrt(20,000) standard errors off
    above = [*range(0, 1140, 12), 5_000, 1_000_000]
    paid = {"control": [[2_000], [2_200]], **{f"v{k}": [[2_000 + k], [2_200 + k]] for k in above}}

    rows = report(summarise, paid)

    for k in above:
        z, found = k / np.sqrt(20_000), rows[f"v{k}"]["revenue_per_customer_difference_p_value"]
        if z < 37:
            assert found == pytest.approx(2 * stats.norm.sf(z), rel=1.2e-7), z
        else:  # what would underflow is as small as a number may be, and neither 0 nor an error
            assert found == pytest.approx(2 * stats.norm.sf(37), rel=1.2e-7), z
    assert max(above) / np.sqrt(20_000) > 40 > 8 > above[-3] / np.sqrt(20_000) > 7.9


def report(summarise: Summarise, paid: dict[str, list[list[int]]]) -> dict[str, dict[str, Any]]:
    """The report's rows by their variant, for customers of whom `paid` says what each purchase cost."""
    customers = [(variant, costs) for variant, of_variant in paid.items() for costs in of_variant]
    rows = summarise(
        "ab_test_report",
        customer_variants=[(number, variant) for number, (variant, _) in enumerate(customers)],
        customer_interactions=[
            (number, DAY, ITEM, 1, 1, cost) for number, (_, costs) in enumerate(customers) for cost in costs
        ],
    )
    return {row["variant"]: row for row in rows}
