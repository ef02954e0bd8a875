/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The frame of restart_calls.c and restart_io_calls.c: the leader waits in the call, a second
 * thread has core dumped while it does, and ends the call in the restarted process.
 */
static void wait_until_in(long number)
{
	char text[32] = "";

	/* /proc/PID/syscall names the call of a thread that sleeps in it; SYS_read is 0. */
	do {
		FILE *file = fopen("/proc/self/syscall", "r");

		CHECK(since(&until) < 120 && file && fgets(text, sizeof text, file));
		fclose(file);
	} while (strtol(text, NULL, 10) != number || text[0] == 'r');
}

static void *interrupt(void *arg)
{
	const struct call *call = arg;

	wait_until_in(call->number);
	checkpoint_from_thread();
	if (call->end) {
		wait_until_in(call->number);
		call->end();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	/* Blocked while SIGUSR1 is not what the call is to be ended by. */
	sigaddset(&usr1, SIGUSR1);
	if (argc > 1 && strcmp(argv[1], "pause") != 0)
		sigprocmask(SIG_BLOCK, &usr1, NULL);
	for (size_t i = 0; argc > 1 && i < sizeof calls / sizeof calls[0]; i++) {
		if (strcmp(argv[1], calls[i].name) != 0)
			continue;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec++;
		CHECK(pthread_create(&thread, NULL, interrupt, (void *)&calls[i]) == 0);
		CHECK(calls[i].wait());
		CHECK(pthread_join(thread, NULL) == 0);
		printf("ok\n");
		return 0;
	}
	return 2;
}
