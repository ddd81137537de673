"""C and C++ sources, as far as dangerous calls in them can be judged."""
