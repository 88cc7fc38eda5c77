# A service under tini: children that outlive their parents are reaped, a signal ends the service.
set -e
test "$(cat /proc/1/comm)" = tini
(sh -c 'sleep 0.1 &' &)
sh -c 'trap "exit 0" TERM; echo ready >/run/ready; while :; do sleep 0.1; done' &
until [ -e /run/ready ]; do sleep 0.05; done
kill -TERM $!
wait $!
sleep 0.3
test "$(ps -eo stat | grep -c Z)" = 0
