#!/bin/sh
# Run the tests that touch Prefect with the oldest and the newest packages that pyproject.toml allows: `make test-prefect`.
# Each has an environment of its own below .daybook/. ARGUMENTS replaces the tests.
set -eu

UV=.venv/bin/uv
TESTS=${ARGUMENTS:-"tests/daybook/orchestration tests/blocks tests/flows"}
EXTRAS=calendars,demo,parquet,redshift,s3,sheets,yfinance
failed=

for resolution in lowest-direct highest; do
    folder=.daybook/prefect-$resolution
    rm -rf "$folder" && mkdir -p "$folder"
    "$UV" venv -q "$folder/venv"
    "$UV" pip compile -q --python "$folder/venv/bin/python" --extra "$EXTRAS" --resolution "$resolution" \
        pyproject.toml -o "$folder/packages.txt"
    # The tools of the tests have the newest versions that these packages allow.
    grep -v '^-c' requirements-dev.in >"$folder/dev.in"
    "$UV" pip install -q --python "$folder/venv/bin/python" -r "$folder/packages.txt"
    "$UV" pip install -q --python "$folder/venv/bin/python" -c "$folder/packages.txt" -r "$folder/dev.in"
    "$UV" pip install -q --python "$folder/venv/bin/python" --no-deps -e .
    grep -E '^(prefect|sqlalchemy|fastapi)==' "$folder/packages.txt"
    # shellcheck disable=SC2086
    "$folder/venv/bin/python" -m pytest -q -n 4 --dist loadfile --no-loadscope-reorder $TESTS || failed="$failed $resolution"
done
[ -z "$failed" ] || { echo "failed with:$failed" >&2; exit 1; }
