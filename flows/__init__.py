"""What runs: one flow a file; file, function and flow have one name. Each body reads extract, transform, load."""
