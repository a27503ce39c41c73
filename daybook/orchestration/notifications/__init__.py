"""How somebody hears about it: what has failed or is late, told once, and once more when it is over."""
