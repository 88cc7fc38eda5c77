# A Java service: its compilers, /tmp/hsperfdata, threads, locks and mappings, other programs; and an
# archive of its classes that is written at one end and mapped at the next start.
set -e
cd /tmp
java -Xshare:dump -XX:SharedArchiveFile=/tmp/classes.jsa >/dev/null
test "$(java -XX:SharedArchiveFile=/tmp/classes.jsa -cp /srv/app/java Work)" = done
test "$(java -XX:+PrintCompilation -cp /srv/app/java Work | tail -n 1)" = done
java -cp /srv/app/java Work >/dev/null &
until ls /tmp/hsperfdata_root/* >/dev/null 2>&1; do sleep 0.05; done
wait $!
