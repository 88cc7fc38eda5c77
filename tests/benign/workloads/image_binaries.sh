# Everything of the image runs: binaries, scripts, interpreters.
set -e
ls / >/dev/null
test "$(echo a | sed s/a/b/)" = b
test "$(printf 'x\ny\n' | grep -c x)" = 1
find /usr/lib -maxdepth 1 >/dev/null
bash -c 'test "$((1 + 1))" = 2'
which ls >/dev/null  # a script
ldd /usr/bin/env >/dev/null  # the dynamic loader, called by its own name
