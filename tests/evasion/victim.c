// An executable of the image, for the evasions to change.
int main(void) { return 0; }
