git branch 'feature/a|b' && git branch 'fix#12' && git branch 'ü-ö' && git branch '(x)' && git branch 'Main' && git branch "it's" HEAD~1
espdeck build . --commit "it's"
espdeck build . --commit 'fix#12'
espdeck build . --commit 'ü-ö'
