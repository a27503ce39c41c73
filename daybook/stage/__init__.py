"""The stage: compressed parts and their manifest, in S3 or in a folder. Imports `errors`."""
