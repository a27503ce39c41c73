"""The flows, one in each file. A file, its function and its flow have the same name."""
