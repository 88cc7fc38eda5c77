# PostgreSQL on a volume: a new cluster, load, its just-in-time compiler, dump and restore, a copy
# through a program, a reload and a fast stop.
set -e
PATH=$PATH:/usr/lib/postgresql/15/bin
cd /
mkdir -p /run/postgresql
chown postgres /run/postgresql /data
as_postgres() { setpriv --reuid postgres --regid postgres --init-groups "$@"; }
query() { as_postgres psql -qAtX -v ON_ERROR_STOP=1 "$@"; }
as_postgres initdb -D /data/db --auth trust >/dev/null
echo "listen_addresses = ''" >>/data/db/postgresql.conf
as_postgres pg_ctl -D /data/db -l /data/log -w start >/dev/null
as_postgres pgbench -i -q -s 1 postgres 2>/dev/null
as_postgres pgbench -c 4 -t 50 postgres >/dev/null 2>&1
PGOPTIONS='-c jit_above_cost=0 -c jit_optimize_above_cost=0' query postgres \
  -c 'explain analyze select sum(abalance) from pgbench_accounts' | grep -q JIT
query postgres -c 'vacuum analyze' -c checkpoint
query postgres -c "copy pgbench_branches to program 'gzip >/data/branches.gz'"
gzip -t /data/branches.gz
query postgres -c 'create database restored'
as_postgres pg_dump postgres | query restored >/dev/null
as_postgres pg_ctl -D /data/db reload >/dev/null
as_postgres pg_ctl -D /data/db -m fast -w stop >/dev/null
