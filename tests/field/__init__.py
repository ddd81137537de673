"""What real boards, logs, tools and repositories say, each with its right value."""
