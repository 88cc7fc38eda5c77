# A service in Java unpacks a native library into /tmp and loads it.
set -e
for i in 1 2; do test "$(java -cp /srv/app/java Native)" = 42; done
