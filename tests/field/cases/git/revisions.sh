git branch other HEAD~1
espdeck build . --commit HEAD~2
espdeck build . --commit HEAD^
espdeck build . --commit origin/other
espdeck build . --commit HEAD..other
espdeck build . --commit nothing
