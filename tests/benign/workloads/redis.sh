# Redis on a volume: load, a script, snapshots, the append-only file and its rewriting.
set -e
cd /data
redis-server --port 0 --unixsocket /run/redis.sock --dir /data --appendonly yes --save 1 1 \
  --logfile /data/redis.log --daemonize yes >/dev/null
redis() { redis-cli -s /run/redis.sock "$@"; }
until redis ping 2>/dev/null | grep -q PONG; do sleep 0.1; done
redis-benchmark -s /run/redis.sock -q -n 2000 -c 10 -t set,get,lpush >/dev/null
test "$(redis eval 'return redis.call("incrby", KEYS[1], 41) + 1' 1 counter)" = 42
redis bgrewriteaof >/dev/null
while redis info persistence | grep -q 'aof_rewrite_in_progress:1'; do sleep 0.1; done
redis save >/dev/null || { sleep 2; redis save >/dev/null; }
redis-check-rdb /data/dump.rdb >/dev/null
redis shutdown
