// A file that is mounted into the container is overwritten, made executable and run.
// usage: overwrite FILE
#include "evasion.h"
int main(int argc, char **argv) {
  if (argc != 2) return BROKEN;
  noted(chmod(argv[1], 0644));
  drop(argv[1], 0644);
  noted(chmod(argv[1], 0755));
  return verdict(runs_payload(argv[1]));
}
