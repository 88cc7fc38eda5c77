// Runs a file that somebody else has put there.
// usage: run_file FILE
#include "evasion.h"
int main(int argc, char **argv) { return argc == 2 ? verdict(runs_payload(argv[1])) : BROKEN; }
