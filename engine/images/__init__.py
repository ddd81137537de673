"""Images: what is flashed, and what the files that it is made of say."""
