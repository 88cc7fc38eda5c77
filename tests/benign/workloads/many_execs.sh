# After the runtime entered twenty times: somebody looks around, as with kubectl debug.
set -e
ps -ef >/dev/null
ls -lR /etc >/dev/null
cat /proc/1/status /proc/1/cmdline >/dev/null
ls -l /proc/1/fd >/dev/null
find / -xdev -perm -4000 >/dev/null
df >/dev/null
