/* The wall clock of single processes, moved by the seconds that stand in a file (an int64, shared memory).

   Preloaded. Only the wall clock moves; the monotonic one stays true, as when somebody sets the clock of a machine.
   Deadlines by the wall clock are brought back to the true one. (A waiting thread is not woken by the step itself.) */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define FIRST_WALL_SECOND 1000000000 /* below it a deadline is a monotonic one */

static int64_t none;
static volatile int64_t *moved = &none;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FALSE_CLOCK_FILE");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *page = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED) moved = page;
    if (fd >= 0) close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += *moved;
    return result;
}

time_t time(time_t *seconds) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (seconds) *seconds = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

static const struct timespec *true_time(const struct timespec *deadline, struct timespec *room) {
    if (!deadline || deadline->tv_sec < FIRST_WALL_SECOND) return deadline;
    *room = *deadline;
    room->tv_sec -= *moved;
    return room;
}

static void *next(const char *name, const char *version) {
    void *found = dlvsym(RTLD_NEXT, name, version); /* the plain name may find an ancestor of another layout */
    return found ? found : dlsym(RTLD_NEXT, name);
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *deadline) {
    static int (*wait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    struct timespec room;
    if (!wait) wait = next("pthread_cond_timedwait", "GLIBC_2.3.2");
    return wait(condition, mutex, true_time(deadline, &room));
}

int sem_timedwait(sem_t *semaphore, const struct timespec *deadline) {
    static int (*wait)(sem_t *, const struct timespec *);
    struct timespec room;
    if (!wait) wait = next("sem_timedwait", "GLIBC_2.34");
    return wait(semaphore, true_time(deadline, &room));
}
