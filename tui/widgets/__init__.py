"""One file a widget. Widgets draw what they are given; they know no engine."""
