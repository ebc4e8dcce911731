/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/io/fdpass.h"
#include "common/io/sock.h"
#include "tests/harness/t.h"

static int
count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	T_NEED(dir != NULL);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

T_TEST(descriptors_travel_with_bytes)
{
	int pair[2], fds[3], got[4];
	size_t count;
	char buf[10] = "";

	T_NEED(sock_pair(pair));
	for (int i = 0; i < 3; i++)
		fds[i] = open("/dev/null", O_RDONLY);
	T_EQ_INT(fdpass_recv(pair[1], buf, 10, got, 4, &count), -1);
	T_EQ_INT(errno, EAGAIN);
	T_EQ_INT(fdpass_send(pair[0], "abc", 3, fds, 3), 3);
	T_EQ_INT(fdpass_send(pair[0], "d", 1, NULL, 0), 1);
	T_EQ_INT(fdpass_recv(pair[1], buf, 2, got, 4, &count), 2);
	T_EQ_INT(count, 3);
	T_CHECK((fcntl(got[2], F_GETFD) & FD_CLOEXEC) != 0);
	T_EQ_INT(fdpass_recv(pair[1], buf, 10, got, 4, &count), 2);
	T_EQ_INT(count, 0);
	close(pair[0]);
	T_EQ_INT(fdpass_recv(pair[1], buf, 10, got, 4, &count), 0);
}

T_TEST(descriptors_without_room_are_closed)
{
	static int many[FDPASS_MAX];
	int pair[2], got[2];
	size_t count;
	char c;

	T_NEED(sock_pair(pair));
	for (int i = 0; i < FDPASS_MAX; i++)
		many[i] = pair[0];
	int before = count_open();

	T_EQ_INT(fdpass_send(pair[0], "x", 1, many, FDPASS_MAX), 1);
	T_EQ_INT(fdpass_recv(pair[1], &c, 1, got, 2, &count), 1);
	T_EQ_INT(count, 2);
	T_EQ_INT(count_open(), before + 2);
}
