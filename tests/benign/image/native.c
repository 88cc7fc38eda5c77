// A library that Java, Python and the one-file program load.
int answer(void) { return 42; }
int Java_Native_answer(void *environment, void *type) {
  (void)environment;
  (void)type;
  return answer();
}
