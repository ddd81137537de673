"""What the screens look like, a file each: ``pytest --snapshot-update`` takes the pictures anew."""
