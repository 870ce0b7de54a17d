/*
 * read_all.c - the floor of the benchmark: a pipe command that reads its input
 * and does nothing with it.
 */
#include <unistd.h>

int
main(void)
{
	char buf[65536];
	ssize_t n;

	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0)
		;
	return n == 0 ? 0 : 75;
}
