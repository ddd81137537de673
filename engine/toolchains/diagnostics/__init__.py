"""What compilers and build tools print, read into findings."""
