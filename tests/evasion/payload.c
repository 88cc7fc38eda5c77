// The code that must never run: its exit status is the proof that it did.
#include "evasion.h"
int main(void) { return PAYLOAD_STATUS; }
