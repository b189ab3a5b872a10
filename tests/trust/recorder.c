/* Preloaded into a process: notes every change it makes to the files of one folder, in order.
 *
 * RECORD_FOLDER is the folder, RECORD_NOTES the file the notes go to. A note is one packed header
 *     op (1 byte), length of the path (u32), offset (u64), length of the data (u64)
 * then path and data. Operations: C created, T emptied by opening, W written, F cut to a length, S synced,
 * U unlinked, R renamed (data: the new path), D the folder synced. Shared memory of the log is left out: it does not
 * outlive the power. One lock around call and note keeps the notes in the order of the changes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 4096

static char *path_of[FILES]; /* path of each open file in the folder */
static const char *folder;
static int notes = -1;
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The functions behind ours. */
static int (*next_open)(const char *, int, ...);
static int (*next_openat)(int, const char *, int, ...);
static int (*next_close)(int);
static ssize_t (*next_write)(int, const void *, size_t);
static ssize_t (*next_pwrite)(int, const void *, size_t, off_t);
static int (*next_ftruncate)(int, off_t);
static int (*next_fsync)(int);
static int (*next_fdatasync)(int);
static int (*next_unlink)(const char *);
static int (*next_rename)(const char *, const char *);

static void begin(void) {
    next_open = dlsym(RTLD_NEXT, "open64");
    next_openat = dlsym(RTLD_NEXT, "openat64");
    next_close = dlsym(RTLD_NEXT, "close");
    next_write = dlsym(RTLD_NEXT, "write");
    next_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    next_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    next_fsync = dlsym(RTLD_NEXT, "fsync");
    next_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    next_unlink = dlsym(RTLD_NEXT, "unlink");
    next_rename = dlsym(RTLD_NEXT, "rename");
    folder = getenv("RECORD_FOLDER");
    const char *to = getenv("RECORD_NOTES");
    if (folder && to) notes = next_open(to, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
}

static int watched(int fd) { return fd >= 0 && fd < FILES && path_of[fd] != NULL; }

static void put(char **at, const void *bytes, size_t count) {
    memcpy(*at, bytes, count);
    *at += count;
}

static void note(char op, const char *path, uint64_t offset, const void *data, uint64_t count) {
    if (notes < 0) return;
    uint32_t length = strlen(path);
    size_t total = 1 + sizeof length + sizeof offset + sizeof count + length + count;
    char *buffer = malloc(total), *at = buffer;
    put(&at, &op, 1);
    put(&at, &length, sizeof length);
    put(&at, &offset, sizeof offset);
    put(&at, &count, sizeof count);
    put(&at, path, length);
    if (count) put(&at, data, count);
    for (size_t done = 0; done < total;) {
        ssize_t more = next_write(notes, buffer + done, total - done);
        if (more <= 0) abort();
        done += more;
    }
    free(buffer);
}

/* The path in the folder that a name means, or nothing. */
static const char *inside(const char *name, char *resolved) {
    if (!folder || !realpath(name, resolved)) return NULL;
    size_t length = strlen(folder);
    if (strncmp(resolved, folder, length) != 0) return NULL;
    if (resolved[length] != '/' && resolved[length] != '\0') return NULL;
    size_t all = strlen(resolved);
    return all > 4 && strcmp(resolved + all - 4, "-shm") == 0 ? NULL : resolved;
}

static int opened(int at, const char *name, int flags, mode_t mode) {
    pthread_once(&once, begin);
    char resolved[PATH_MAX];
    pthread_mutex_lock(&order);
    int there = faccessat(at, name, F_OK, 0) == 0;
    int fd = next_openat(at, name, flags, mode);
    if (fd >= 0 && fd < FILES && (at == AT_FDCWD || name[0] == '/')) {
        free(path_of[fd]);
        path_of[fd] = NULL;
        if (inside(name, resolved)) {
            path_of[fd] = strdup(resolved);
            if (!there) note('C', resolved, 0, NULL, 0);
            else if (flags & O_TRUNC) note('T', resolved, 0, NULL, 0);
        }
    }
    pthread_mutex_unlock(&order);
    return fd;
}

#define MODE(flags)                                                  \
    mode_t mode = 0;                                                 \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                           \
        va_list more;                                                \
        va_start(more, flags);                                       \
        mode = va_arg(more, int);                                    \
        va_end(more);                                                \
    }

int open(const char *name, int flags, ...) { MODE(flags) return opened(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE(flags) return opened(AT_FDCWD, name, flags, mode); }
int openat(int at, const char *name, int flags, ...) { MODE(flags) return opened(at, name, flags, mode); }
int openat64(int at, const char *name, int flags, ...) { MODE(flags) return opened(at, name, flags, mode); }

int close(int fd) {
    pthread_once(&once, begin);
    pthread_mutex_lock(&order);
    if (watched(fd)) {
        free(path_of[fd]);
        path_of[fd] = NULL;
    }
    int result = next_close(fd);
    pthread_mutex_unlock(&order);
    return result;
}

ssize_t pwrite64(int fd, const void *data, size_t count, off_t offset) {
    pthread_once(&once, begin);
    if (!watched(fd)) return next_pwrite(fd, data, count, offset);
    pthread_mutex_lock(&order);
    ssize_t done = next_pwrite(fd, data, count, offset);
    if (done > 0) note('W', path_of[fd], offset, data, done);
    pthread_mutex_unlock(&order);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t count, off_t offset) { return pwrite64(fd, data, count, offset); }

ssize_t write(int fd, const void *data, size_t count) {
    pthread_once(&once, begin);
    if (!watched(fd)) return next_write(fd, data, count);
    pthread_mutex_lock(&order);
    off_t offset = lseek(fd, 0, SEEK_CUR);
    struct stat now;
    if ((fcntl(fd, F_GETFL) & O_APPEND) && fstat(fd, &now) == 0) offset = now.st_size;
    ssize_t done = next_write(fd, data, count);
    if (done > 0) note('W', path_of[fd], offset, data, done);
    pthread_mutex_unlock(&order);
    return done;
}

int ftruncate64(int fd, off_t length) {
    pthread_once(&once, begin);
    if (!watched(fd)) return next_ftruncate(fd, length);
    pthread_mutex_lock(&order);
    int result = next_ftruncate(fd, length);
    if (result == 0) note('F', path_of[fd], length, NULL, 0);
    pthread_mutex_unlock(&order);
    return result;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int synced(int fd, int (*sync)(int)) {
    if (!watched(fd)) return sync(fd);
    pthread_mutex_lock(&order);
    int result = sync(fd);
    if (result == 0) note(strcmp(path_of[fd], folder) == 0 ? 'D' : 'S', path_of[fd], 0, NULL, 0);
    pthread_mutex_unlock(&order);
    return result;
}

int fsync(int fd) {
    pthread_once(&once, begin);
    return synced(fd, next_fsync);
}

int fdatasync(int fd) {
    pthread_once(&once, begin);
    return synced(fd, next_fdatasync);
}

int unlink(const char *name) {
    pthread_once(&once, begin);
    char resolved[PATH_MAX];
    pthread_mutex_lock(&order);
    const char *path = inside(name, resolved);
    int result = next_unlink(name);
    if (result == 0 && path) note('U', path, 0, NULL, 0);
    pthread_mutex_unlock(&order);
    return result;
}

int rename(const char *from, const char *to) {
    pthread_once(&once, begin);
    char old[PATH_MAX], new[PATH_MAX];
    pthread_mutex_lock(&order);
    const char *path = inside(from, old);
    int result = next_rename(from, to);
    if (result == 0 && path && inside(to, new)) note('R', path, 0, new, strlen(new));
    pthread_mutex_unlock(&order);
    return result;
}
