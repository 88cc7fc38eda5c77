// A shared library whose mere loading is the attack: its constructor ends the process with the
// payload's status.
#include <unistd.h>
__attribute__((constructor)) static void run(void) { _exit(77); }
