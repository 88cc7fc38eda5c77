# Shells do what shells do: scripts that are data, pipes, background work, here documents.
set -e
cat >/tmp/script <<'END'
echo "$1"
END
test "$(sh /tmp/script hello)" = hello
. /tmp/script sourced >/dev/null
mkfifo /tmp/pipe
cat /tmp/pipe >/tmp/out &
echo through >/tmp/pipe
wait
grep -q through /tmp/out
for i in 1 2 3 4 5 6 7 8; do (ls /bin | wc -l >/dev/null) & done
wait
