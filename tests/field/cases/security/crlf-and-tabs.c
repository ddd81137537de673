void f(char *b) {
	printf("%d",
		3);
	gets(b);
}
