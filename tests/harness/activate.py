"""activate.py NAMES FDS COMMAND... - runs a command as systemd's socket
activation does: the descriptors become 3 and following, and the environment
says so to this process alone."""

import fcntl
import os
import sys

FIRST = 3


def main() -> None:
    names, numbers, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    # out of the way first, since one may stand where another belongs
    moved = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 100)
             for number in numbers.split(",")]
    for index, fd in enumerate(moved):
        os.dup2(fd, FIRST + index, inheritable=True)
        os.close(fd)
    environment = {**os.environ, "LISTEN_PID": str(os.getpid()),
                   "LISTEN_FDS": str(len(moved)), "LISTEN_FDNAMES": names}
    os.execve(command[0], command, environment)


if __name__ == "__main__":
    main()
