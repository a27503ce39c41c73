"""Types of the flows' parameters: what the form in Prefect's UI offers and explains, and how text is converted."""
