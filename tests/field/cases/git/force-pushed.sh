git clone -q --bare . ../hub.git
espdeck build ../hub.git
git reset -q --hard HEAD~1 && git commit -q --allow-empty -m Forced && git push -q --force ../hub.git main
espdeck build ../hub.git
