"""What screens show, made from the store and moved on by events."""
