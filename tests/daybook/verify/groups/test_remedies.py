"""The statements that an error prints are found in its message."""

from daybook.verify.groups.remedies import statements_in


def test_statements_are_found_without_the_prose_around_them() -> None:
    message = (
        "raw.t in the warehouse does not fit:\n"
        '- it has no column \'a\': ALTER TABLE "raw"."t" ADD COLUMN "a" integer (or set on_new_column: add)\n'
        '- its column \'b\' was integer: ALTER TABLE "raw"."t" ADD COLUMN "b_new" bigint; UPDATE "raw"."t" SET '
        '"b_new" = "b"::bigint /* a comment */; or keep the column unchanged: DELETE FROM daybook.columns\n'
        '- its column \'c\' is gone: ALTER TABLE "raw"."t" DROP COLUMN "c", and correct columns: in the table file\n'
        "- another line"
    )
    assert statements_in(message) == [
        'ALTER TABLE "raw"."t" ADD COLUMN "a" integer',
        'ALTER TABLE "raw"."t" ADD COLUMN "b_new" bigint',
        'UPDATE "raw"."t" SET "b_new" = "b"::bigint /* a comment */',
        'ALTER TABLE "raw"."t" DROP COLUMN "c"',
    ]
