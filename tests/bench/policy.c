/*
 * policy.c - asks msgraphd whether a client may send, again and again, as
 * threads of the milter do.
 *
 *     policy SOCKET USER MAILBOX THREADS SECONDS RATE
 *
 * RATE is how many questions a second all threads together ask; 0: as many as
 * they can. Prints questions a second, the median, the 99th percentile and the
 * maximum of what an answer took in milliseconds, and how many were not "ok".
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/local/policy.h"
#include "lib/local/sock.h"

#define MAX_ANSWERS 1000000

struct policy_thread {
	pthread_t thread;
	int number;
};

static const char *path;
static struct policy_question question = {.stage = POLICY_END};
static int threads, seconds, rate;
static double taken[MAX_ANSWERS]; /* milliseconds */
static int answers, failed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static double
policy_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void
policy_sleep_until(double ms)
{
	double left = ms - policy_now();
	struct timespec pause = {.tv_nsec = 0};

	if (left <= 0)
		return;
	pause.tv_sec = (time_t)(left / 1e3);
	pause.tv_nsec = (long)((left - (double)pause.tv_sec * 1e3) * 1e6);
	nanosleep(&pause, NULL);
}

static void
policy_ask_once(void)
{
	struct policy_answer answer;
	struct error err;
	double began = policy_now(), took;
	int ok;

	ok = policy_ask(path, &question, sock_now() + 20000, &answer, &err) ==
		0 &&
	    answer.status == POLICY_OK;
	took = policy_now() - began;
	pthread_mutex_lock(&lock);
	failed += !ok;
	if (answers < MAX_ANSWERS)
		taken[answers++] = took;
	pthread_mutex_unlock(&lock);
}

static void *
policy_work(void *arg)
{
	const struct policy_thread *t = arg;
	double began = policy_now(), end = began + 1e3 * seconds;
	double every = rate > 0 ? 1e3 * threads / rate : 0;
	double next = began + every * t->number / threads;

	while (policy_now() < end) {
		policy_sleep_until(next);
		policy_ask_once();
		next += every;
	}
	return NULL;
}

static int
policy_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int
main(int argc, char *argv[])
{
	struct policy_thread t[100];
	double began = policy_now();

	if (argc != 7)
		return 1;
	path = argv[1];
	question.user = argv[2];
	question.sender = question.mailbox = question.from = argv[3];
	question.client_address = "192.0.2.9";
	question.daemon_name = "msgraph";
	threads = atoi(argv[4]);
	seconds = atoi(argv[5]);
	rate = atoi(argv[6]);
	if (threads < 1 || threads > 100)
		return 1;
	for (int i = 0; i < threads; i++) {
		t[i].number = i;
		if (pthread_create(&t[i].thread, NULL, policy_work, &t[i]) != 0)
			return 1;
	}
	for (int i = 0; i < threads; i++)
		pthread_join(t[i].thread, NULL);
	if (answers == 0)
		return 1;
	qsort(taken, (size_t)answers, sizeof(taken[0]), policy_compare);
	printf("%.0f %.2f %.2f %.2f %d\n",
	    answers * 1e3 / (policy_now() - began), taken[answers / 2],
	    taken[answers / 100 * 99], taken[answers - 1], failed);
	return 0;
}
