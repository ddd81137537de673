"""espdeck's engine: the whole product without a screen."""
