"""Text formats that several sources share: encodings, compression, CSV dialects and value formats."""
