# SQLite: writers beside each other, a write-ahead log, memory-mapped reading, copies.
set -e
cd /data
sqlite3 a.db 'pragma journal_mode = wal; create table t (id integer primary key, text text)' >/dev/null
for writer in 1 2 3 4; do
  for i in 1 2 3 4 5; do
    echo "insert into t (text) select hex(randomblob(40)) from generate_series(1, 100);"
  done | sqlite3 -cmd '.timeout 20000' a.db &
done
wait
test "$(sqlite3 -cmd 'pragma mmap_size = 100000000' a.db 'select count(*) from t' | tail -n 1)" = 2000
sqlite3 a.db 'pragma wal_checkpoint(truncate)' >/dev/null
sqlite3 a.db 'vacuum into "/data/b.db"' '.backup /data/c.db'
sqlite3 a.db .dump | sqlite3 d.db
test "$(sqlite3 b.db 'pragma integrity_check')" = ok
sqlite3 a.db 'pragma journal_mode = delete; delete from t; vacuum' >/dev/null
rm a.db b.db c.db d.db
