"""A throw-away copy of this machine: the root file system with a layer on top
that takes every write, processes, a loopback network and mounts of its own. As
root; nothing outside is touched, and nothing is left of it.

    with room.Room() as place:
        place.run("dpkg", "-i", "/tmp/x.deb")
        place.changed()            # what is there, and is not so outside

SPDX-License-Identifier: Apache-2.0
"""
import ctypes
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import unittest

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C",
               "DEBIAN_FRONTEND": "noninteractive", "HOME": "/root"}


class Room:
    def __init__(self):
        if os.geteuid():
            raise unittest.SkipTest("a room of its own takes root")
        self.dir = tempfile.mkdtemp(prefix="room-")
        self.root = os.path.join(self.dir, "root")
        self.keeper = subprocess.Popen(
            ["unshare", "-m", "-n", "-p", "-u", "-f", "--kill-child",
             "--propagation", "private",
             sys.executable, os.path.abspath(__file__), self.dir],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        word = self.keeper.stdout.readline()
        if word != "ready\n":
            why = self.keeper.communicate()[1].strip().splitlines()
            shutil.rmtree(self.dir, ignore_errors=True)
            raise unittest.SkipTest("no room can be made here: "
                                    f"{(why or [word])[-1]}")
        with open(f"/proc/{self.keeper.pid}/task/{self.keeper.pid}/children",
                  encoding="ascii") as file:
            self.first = file.read().split()[0]     # process 1 in there
        self.enter = ["nsenter", "-t", self.first, "-m", "-n", "-p", "-u",
                      "-r", "-w"]

    def command(self, *argv, user=None):
        """To start argv in there, with ENVIRONMENT."""
        who = [] if user is None else [
            "setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        return [*self.enter, "env", "-i",
                *(f"{k}={v}" for k, v in ENVIRONMENT.items()), *who, *argv]

    def run(self, *argv, input=None, status=0, user=None, timeout=120):
        done = subprocess.run(self.command(*argv, user=user), input=input,
                              capture_output=True, text=True, check=False,
                              timeout=timeout)
        text = done.stdout + done.stderr
        if status is not None and done.returncode != status:
            raise AssertionError(f"{' '.join(argv)}: status "
                                 f"{done.returncode}\n{text}")
        return text

    def at(self, path):
        """The same file, for those outside who only look."""
        return f"/proc/{self.first}/root/{path.lstrip('/')}"

    def read(self, path):
        with open(self.at(path), encoding="utf-8", errors="replace") as file:
            return file.read()

    def write(self, path, text, mode=0o644):
        with open(self.at(path), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.at(path), mode)

    def changed(self):
        """Each path of the top layer: True for what is there, False for what
        was taken away; directories only if they are new."""
        top = os.path.join(f"/proc/{self.keeper.pid}/root", self.dir[1:], "top")
        found = {}
        for folder, folders, files in os.walk(top):
            for name in folders + files:
                path = os.path.join(folder, name)
                short = "/" + os.path.relpath(path, top)
                if name in folders and not os.path.islink(path) and \
                        os.path.isdir(short):
                    continue
                st = os.lstat(path)
                found[short] = not (stat.S_ISCHR(st.st_mode) and
                                    st.st_rdev == 0)
        return found

    def close(self):
        self.keeper.communicate()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# --- Process 1 in there ------------------------------------------------------

libc = ctypes.CDLL(None, use_errno=True)
MS_BIND, MS_REC = 0x1000, 0x4000


def mount(source, place, kind=None, flags=0, options=None):
    if libc.mount(os.fsencode(source), os.fsencode(place),
                  kind and kind.encode(), ctypes.c_ulong(flags),
                  options and options.encode()):
        error = ctypes.get_errno()
        raise OSError(error, f"mount {place}: {os.strerror(error)}")


def furnish(top):
    """The root below top/root. The layer is in memory."""
    mount("layer", top, "tmpfs", 0, "mode=755")
    at = {name: os.path.join(top, name) for name in ("top", "work", "root")}
    for path in at.values():
        os.mkdir(path)
    mount("room", at["root"], "overlay", 0,
          f"lowerdir=/,upperdir={at['top']},workdir={at['work']}")
    mount("/dev", at["root"] + "/dev", None, MS_BIND | MS_REC)
    mount("proc", at["root"] + "/proc", "proc")
    for name in ("run", "tmp"):
        mount(name, at["root"] + "/" + name, "tmpfs", 0,
              "mode=1777" if name == "tmp" else "mode=755")
    os.mkdir(at["root"] + "/run/lock")
    subprocess.run(["hostname", "mail.room.test"], check=True)
    loopback_up()
    return at["root"]


def loopback_up():
    import fcntl
    import socket
    import struct
    SIOCSIFFLAGS, IFF_UP = 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def keep(top):
    """Reaps whoever is left to process 1, until the one outside goes."""
    os.chroot(furnish(top))
    os.chdir("/")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    keep(sys.argv[1])
