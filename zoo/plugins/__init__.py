"""The installed plugins as a whole: what each gives and whether it works."""
