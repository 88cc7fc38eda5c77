# After the copying: what was copied is there, and as readable as it was.
set -e
for place in /data /srv/copied /tmp/copied; do
  for name in app.conf table.csv page.html; do
    grep -q "$name" "$place/$name"
  done
done
