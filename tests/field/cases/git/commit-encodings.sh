printf 'Gr\xfc\xdfe' | git -c i18n.commitEncoding=ISO-8859-1 commit -q --allow-empty -F -
espdeck build .
printf '\xff\xfe broken' | git commit -q --allow-empty -F -
espdeck build .
