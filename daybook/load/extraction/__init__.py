"""Read the rows of a plan from the source to the stage, and compare the columns of the source and the warehouse."""
