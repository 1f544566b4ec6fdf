"""Model configs: reading, composing and checking their form."""
