"""Counts the cases by kind."""

from collections import Counter

from tests.field.case import cases

counts = Counter(case.kind for case in cases())
for kind, count in sorted(counts.items()):
    print(f"{count:5} {kind}")
print(f"{counts.total():5} in all")
