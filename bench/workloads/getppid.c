// getppid in a loop: THREADS threads, COUNT calls each. Prints nanoseconds per call (of the slowest thread).
//   cc -O2 -pthread -o getppid getppid.c && ./getppid THREADS COUNT
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long count;
static double slowest;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *loop(void *unused) {
  (void)unused;
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  for (long i = 0; i < count; i++) syscall(SYS_getppid);
  clock_gettime(CLOCK_MONOTONIC, &to);
  double ns = (to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec);
  pthread_mutex_lock(&lock);
  if (ns / count > slowest) slowest = ns / count;
  pthread_mutex_unlock(&lock);
  return NULL;
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 1;
  count = argc > 2 ? atol(argv[2]) : 1000000;
  if (threads == 1) {
    loop(NULL);
  } else {
    pthread_t *ids = calloc(threads, sizeof *ids);
    for (int i = 0; i < threads; i++) pthread_create(&ids[i], NULL, loop, NULL);
    for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
  }
  printf("%.2f\n", slowest);
  return 0;
}
