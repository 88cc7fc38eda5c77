# A package with a program and a maintainer script is installed, installed again and removed.
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get -qq install -y /srv/packages/hello-tools.deb >/dev/null
test "$(hello-tools)" = hello
apt-get -qq install -y --reinstall /srv/packages/hello-tools.deb >/dev/null
apt-get -qq purge -y hello-tools >/dev/null
test ! -e /usr/bin/hello-tools
