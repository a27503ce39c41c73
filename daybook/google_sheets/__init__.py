"""Google Sheets, both ways: `account` speaks to Google, `areas` and `cells` say where and what, `export` writes."""
