git config uploadpack.allowFilter true && git config uploadpack.allowAnySHA1InWant true && git clone -q --filter=blob:none file://$PWD ../p
espdeck build ../p
git -C ../p fetch -q --refetch --no-filter
espdeck build ../p
