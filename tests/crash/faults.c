/* Makes a disk that fails, and one that loses what was not synced: preloaded into the server (LD_PRELOAD).
 *
 * FAULTS_CONTROL names a file of 64-bit numbers that the test and the server share:
 *   0  bytes that may still be written to files; negative: any number (a full disk: then a part, then ENOSPC)
 *   1  syncs that may still succeed; negative: any number (then EIO)
 *   2  renames until the process kills itself; 0: never
 *   3  whether that comes after the rename, in place of before it
 *   4  microseconds that each sync takes longer
 * FAULTS_LOG names a file that gets a line for each sync that succeeded: the file's inode and its size before.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static long long none[5] = {-1, -1, 0, 0, 0};
static volatile long long *control = none;
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_fdatasync)(int);
static int (*real_fsync)(int);
static int (*real_rename)(const char *, const char *);

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("FAULTS_CONTROL");
    int descriptor = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    real_write = dlsym(RTLD_NEXT, "write");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_rename = dlsym(RTLD_NEXT, "rename");
    if (descriptor >= 0) {
        void *shared = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
        if (shared != MAP_FAILED) control = shared;
        close(descriptor);
    }
}

static int is_file(int descriptor) {
    struct stat found;
    return descriptor > 2 && fstat(descriptor, &found) == 0 && S_ISREG(found.st_mode);
}

static void note(const struct stat *before) {
    char line[64];
    int length = snprintf(line, sizeof line, "%llu %lld\n", (unsigned long long)before->st_ino,
                          (long long)before->st_size);
    const char *path = getenv("FAULTS_LOG");
    int descriptor = path ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
    if (descriptor >= 0) {
        if (real_write(descriptor, line, length) != length) abort();
        close(descriptor);
    }
}

ssize_t write(int descriptor, const void *data, size_t length) {
    if (control[0] >= 0 && is_file(descriptor)) {
        long long left = control[0];
        ssize_t written;
        if (left == 0) {
            errno = ENOSPC;
            return -1;
        }
        written = real_write(descriptor, data, (long long)length < left ? length : (size_t)left);
        if (written > 0) control[0] = left - written;
        return written;
    }
    return real_write(descriptor, data, length);
}

static int sync_by(int (*real)(int), int descriptor) {
    struct stat before;
    int result;
    if (fstat(descriptor, &before) < 0) return real(descriptor);
    if (control[4] > 0) usleep(control[4]);
    if (control[1] == 0) {
        errno = EIO;
        return -1;
    }
    if (control[1] > 0) control[1]--;
    result = real(descriptor);
    if (result == 0 && S_ISREG(before.st_mode)) note(&before);
    return result;
}

int fdatasync(int descriptor) { return sync_by(real_fdatasync, descriptor); }

int fsync(int descriptor) { return sync_by(real_fsync, descriptor); }

int rename(const char *from, const char *to) {
    int result, last = control[2] > 0 && --control[2] == 0;
    if (last && !control[3]) kill(getpid(), SIGKILL);
    result = real_rename(from, to);
    if (last) kill(getpid(), SIGKILL);
    return result;
}
