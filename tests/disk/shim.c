/* Stands between a program and its system calls (LD_PRELOAD), numbers those that change the disk or
 * the network, and does something at one of them. The list of places where a process can die is
 * so what the program really does, and nobody has to keep it.
 *
 *   SHIM_DIR    files below this folder count, and sockets
 *   SHIM_LOG    a file that gets a line for each call: number, name, file
 *   SHIM_RECORD a file that gets every write, with its bytes
 *   SHIM_AT     the number at which it happens, from 1; SHIM_TIMES: and so many calls from there
 *   SHIM_DO     kill (before the call), torn (after half of a write), enospc, eio, short
 *   SHIM_DISK   calls on sockets are not numbered
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))real(#name))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long number, at, times;
static const char *dir, *what;
static size_t dir_len;
static int log_fd = -1, record_fd = -1, disk_only, ready;

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static int outside(const char *path) {
  /* Not through this library. */
  return (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

__attribute__((constructor)) static void start(void) {
  const char *text;
  dir = getenv("SHIM_DIR");
  if (!dir) return;
  dir_len = strlen(dir);
  what = getenv("SHIM_DO");
  at = (text = getenv("SHIM_AT")) ? atol(text) : 0;
  times = (text = getenv("SHIM_TIMES")) ? atol(text) : 1;
  disk_only = getenv("SHIM_DISK") != NULL;
  if ((text = getenv("SHIM_LOG"))) log_fd = outside(text);
  if ((text = getenv("SHIM_RECORD"))) record_fd = outside(text);
  ready = 1;
}

/* The name of a file that counts; "socket"; or nothing. */
static int named(int fd, char *name) {
  char link[32], path[PATH_MAX];
  ssize_t len;
  if (!ready) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  len = readlink(link, path, sizeof path - 1);
  if (len <= 0) return 0;
  path[len] = 0;
  if (!strncmp(path, "socket:", 7)) {
    strcpy(name, "socket");
    return !disk_only;
  }
  if (strncmp(path, dir, dir_len) || (path[dir_len] && path[dir_len] != '/')) return 0;
  snprintf(name, NAME_MAX, "%s", path[dir_len] ? path + dir_len + 1 : ".");
  return 1;
}

static int below(const char *path, char *name) {
  if (!ready || strncmp(path, dir, dir_len) || path[dir_len] != '/') return 0;
  snprintf(name, NAME_MAX, "%s", path + dir_len + 1);
  return 1;
}

static int is(const char *word) { return what && !strcmp(what, word); }

static void die(void) {
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

/* Numbers a call. True when it is the one, and the process is still there. */
static int strikes(const char *call, const char *name) {
  int hit;
  pthread_mutex_lock(&lock);
  number++;
  hit = what && number >= at && number < at + times;
  if (log_fd >= 0) {
    char line[NAME_MAX + 64];
    int len = snprintf(line, sizeof line, "%ld %s %s\n", number, call, name);
    syscall(SYS_write, log_fd, line, len);
  }
  if (hit && is("kill")) die();
  pthread_mutex_unlock(&lock);
  return hit;
}

/* What was done, for a model of the disk. */
static void record(const char *op, long inode, const char *name, long offset, const void *bytes,
                   long len) {
  char head[NAME_MAX + 96];
  int size;
  if (record_fd < 0) return;
  size = snprintf(head, sizeof head, "%s %ld %s %ld %ld\n", op, inode, name, offset, len);
  pthread_mutex_lock(&lock);
  syscall(SYS_write, record_fd, head, size);
  if (bytes) syscall(SYS_write, record_fd, bytes, len);
  pthread_mutex_unlock(&lock);
}

static long inode_of(int fd) {
  struct stat found;
  return fstat(fd, &found) ? 0 : (long)found.st_ino;
}

static int failing(void) {
  errno = is("eio") ? EIO : ENOSPC;
  return -1;
}

/* offset < 0: where the file stands. */
static ssize_t put(const char *call, int fd, const void *bytes, size_t len, off64_t offset) {
  char name[NAME_MAX];
  int mine = named(fd, name), hit = mine && strikes(call, name);
  int disk = mine && strcmp(name, "socket");
  long from = 0;
  ssize_t done;
  if (hit && disk && (is("enospc") || is("eio"))) return failing();
  if (hit && (is("short") || is("torn"))) len = (len + 1) / 2;
  if (disk && record_fd >= 0) {
    int flags = fcntl(fd, F_GETFL);
    from = offset >= 0 ? offset : lseek64(fd, 0, flags & O_APPEND ? SEEK_END : SEEK_CUR);
  }
  done = offset < 0 ? syscall(SYS_write, fd, bytes, len)
                    : syscall(SYS_pwrite64, fd, bytes, len, offset);
  if (hit && is("torn")) die();
  if (disk && done > 0) record("write", inode_of(fd), name, from, bytes, done);
  return done;
}

ssize_t write(int fd, const void *bytes, size_t len) { return put("write", fd, bytes, len, -1); }
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset) {
  return put("pwrite", fd, bytes, len, offset);
}
ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset) {
  return put("pwrite", fd, bytes, len, offset);
}

/* The names of a directory: some are made by calls that nobody sees here. */
static void list(int fd, const char *name) {
  char path[NAME_MAX * 2 + 2];
  int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *open = again < 0 ? NULL : fdopendir(again);
  struct dirent *entry;
  while (open && (entry = readdir(open))) {
    if (entry->d_type != DT_REG) continue;
    snprintf(path, sizeof path, "%s%s%s", name[0] == '.' ? "" : name, name[0] == '.' ? "" : "/",
             entry->d_name);
    record("entry", (long)entry->d_ino, path, 0, NULL, 0);
  }
  if (open) closedir(open);
}

static int kept(const char *call, int fd, int (*flush)(int)) {
  char name[NAME_MAX];
  struct stat found;
  int done;
  if (!named(fd, name)) return flush(fd);
  if (strikes(call, name) && (is("enospc") || is("eio"))) return failing();
  done = flush(fd);
  if (!done && record_fd >= 0 && !fstat(fd, &found) && S_ISDIR(found.st_mode)) list(fd, name);
  if (!done) record("sync", inode_of(fd), name, 0, NULL, 0);
  return done;
}
int fsync(int fd) { return kept("fsync", fd, REAL(fsync)); }
int fdatasync(int fd) { return kept("fdatasync", fd, REAL(fdatasync)); }

static int cut(int fd, off64_t len) {
  char name[NAME_MAX];
  int done;
  if (named(fd, name)) {
    if (strikes("ftruncate", name) && (is("enospc") || is("eio"))) return failing();
    done = (int)syscall(SYS_ftruncate, fd, len);
    if (!done) record("cut", inode_of(fd), name, len, NULL, 0);
    return done;
  }
  return (int)syscall(SYS_ftruncate, fd, len);
}
int ftruncate(int fd, off_t len) { return cut(fd, len); }
int ftruncate64(int fd, off64_t len) { return cut(fd, len); }

int unlink(const char *path) {
  char name[NAME_MAX];
  if (below(path, name)) {
    if (strikes("unlink", name) && is("eio")) return failing();
    record("unlink", 0, name, 0, NULL, 0);
  }
  return REAL(unlink)(path);
}

static long inode_at(const char *path) {
  struct stat found;
  return stat(path, &found) ? 0 : (long)found.st_ino;
}

/* A file gets a name. The old one of a rename goes with an unlink of its own. */
static int name_it(const char *call, const char *from, const char *to) {
  char name[NAME_MAX], old[NAME_MAX];
  if (!below(to, name)) return 0;
  if (strikes(call, name) && (is("enospc") || is("eio"))) return failing();
  record("name", inode_at(from), name, 0, NULL, 0);
  if (!strcmp(call, "rename") && below(from, old)) record("unlink", 0, old, 0, NULL, 0);
  return 0;
}
int rename(const char *from, const char *to) {
  return name_it("rename", from, to) ? -1 : REAL(rename)(from, to);
}
int link(const char *from, const char *to) {
  return name_it("link", from, to) ? -1 : REAL(link)(from, to);
}
int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
  return name_it("link", from, to) ? -1 : REAL(linkat)(from_dir, from, to_dir, to, flags);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags) {
  char name[NAME_MAX];
  if (named(fd, name) && strikes("send", name) && is("torn")) {
    REAL(send)(fd, bytes, (len + 1) / 2, flags);
    die();
  }
  return REAL(send)(fd, bytes, len, flags);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  char name[NAME_MAX];
  int mine = named(fd, name) && count > 0;
  /* A create is told from all other calls. */
  if (mine && !strcmp(name, "socket") && parts->iov_len > 4 && !memcmp(parts->iov_base, "POST", 4))
    strcpy(name, "socket POST");
  if (mine && strikes("writev", name)) {
    if (is("torn")) {
      REAL(writev)(fd, parts, (count + 1) / 2);
      die();
    }
    if (strncmp(name, "socket", 6) && (is("enospc") || is("eio"))) return failing();
  }
  return REAL(writev)(fd, parts, count);
}
ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  char name[NAME_MAX];
  if (named(fd, name)) strikes("sendmsg", name);
  return REAL(sendmsg)(fd, message, flags);
}
/* After it: the answer has come, and nobody knows yet. */
ssize_t recv(int fd, void *bytes, size_t len, int flags) {
  char name[NAME_MAX];
  ssize_t done = REAL(recv)(fd, bytes, len, flags);
  int why = errno;
  if (done > 0 && !(flags & MSG_PEEK) && named(fd, name)) strikes("recv", name);
  errno = why;
  return done;
}
