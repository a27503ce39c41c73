"""What must hold in a table, as its file says: a query that returns a number, and what that must be."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Strict(BaseModel):
    """A model that refuses what it does not know, so that a misspelt field is an error and not a silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Check(Strict):
    """A query that returns one number, and what it must be. `{table}` stands for the table's quoted name."""

    sql: str = Field(description="One SELECT that returns one number; {table} stands for the table.")
    equals: float | None = Field(None, description="What it must return.")
    at_least: float | None = Field(None, description="The least that it may return.")
    at_most: float | None = Field(None, description="The most that it may return.")

    @model_validator(mode="after")
    def _has_expectation(self) -> "Check":
        if self.equals is None and self.at_least is None and self.at_most is None:
            raise ValueError("a check expects something: give equals, at_least or at_most")
        return self

    def holds(self, found: Any) -> bool:
        """Whether the number that the query returned is as expected. No number (NULL) never is."""
        return found is not None and not (
            (self.equals is not None and found != self.equals)
            or (self.at_least is not None and found < self.at_least)
            or (self.at_most is not None and found > self.at_most)
        )

    @property
    def expectation(self) -> str:
        """What is expected, in words."""
        said = (("", self.equals), ("at least ", self.at_least), ("at most ", self.at_most))
        return " and ".join(f"{word}{number:g}" for word, number in said if number is not None)
