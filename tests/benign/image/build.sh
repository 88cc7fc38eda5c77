# Runs inside the new image: programs and packages of our own above Debian's, made from the files
# beside this one. Prints what went wrong.
set -ex
cd "$(dirname "$0")"

# A service as images ship them: its entrypoint makes files of the image executable.
mkdir -p /srv/app/bin
install -m 644 service.sh /srv/app/bin/service
install -m 644 service.sh /srv/app/bin/unused

# A Java program, and one that brings a library for itself.
mkdir -p /srv/app/java
gcc -shared -fPIC -o /srv/app/java/libnative.so native.c
chmod 644 /srv/app/java/libnative.so
java --module jdk.compiler/com.sun.tools.javac.Main -d /srv/app/java Work.java Native.java

# A program that carries a library and a helper program, and unpacks them when it starts.
gcc -O2 -o launcher one_file.c -ldl
gcc -shared -fPIC -o plugin.so native.c
cat launcher plugin.so /usr/bin/true >/srv/app/bin/one-file
printf '%016d%016d' "$(stat -c %s plugin.so)" "$(stat -Lc %s /usr/bin/true)" >>/srv/app/bin/one-file
chmod 755 /srv/app/bin/one-file

# Packages: of Debian, of npm and of Python.
mkdir -p /srv/packages deb/DEBIAN deb/usr/bin node python/tools
cat >deb/DEBIAN/control <<'END'
Package: hello-tools
Version: 1.0
Architecture: all
Maintainer: none <none@example.test>
Description: a package with a program and scripts
END
printf '#!/bin/sh\nhello-tools\n' >deb/DEBIAN/postinst
printf '#!/bin/sh\necho hello\n' >deb/usr/bin/hello-tools
chmod 755 deb/DEBIAN/postinst deb/usr/bin/hello-tools
dpkg-deb --root-owner-group -b deb /srv/packages/hello-tools.deb
cat >node/package.json <<'END'
{"name": "hello-cli", "version": "1.0.0", "bin": {"hello-cli": "cli.js"}, "license": "ISC"}
END
printf '#!/usr/bin/env node\nconsole.log("hello")\n' >node/cli.js
chmod 755 node/cli.js
(cd node && npm pack --offline --pack-destination /srv/packages)
cat >python/setup.py <<'END'
from setuptools import setup
setup(name="hello-native", version="1.0", packages=["tools"], package_data={"tools": ["plugin.so"]},
      entry_points={"console_scripts": ["hello-native = tools:main"]})
END
cat >python/tools/__init__.py <<'END'
import ctypes, os
def main():
    library = ctypes.CDLL(os.path.join(os.path.dirname(__file__), "plugin.so"))
    print(library.answer())
END
install -m 755 plugin.so python/tools/plugin.so
(cd python && python3 -m pip wheel --no-build-isolation --no-deps -w /srv/packages .)

# A repository with scripts and programs in it.
mkdir -p repository/tools
cp service.sh repository/build.sh
cp /usr/bin/true repository/tools/helper
echo text >repository/README
chmod 755 repository/build.sh repository/tools/helper
cd repository
git init -q -b main
git add .
git -c user.name=none -c user.email=none@example.test commit -q -m first
git clone -q --bare . /srv/repository.git
cd ..

# The service directory that s6 scans and the programs in it, as an image has them.
mkdir -p /etc/s6/web /etc/s6/.s6-svscan
printf '#!/bin/sh\necho up >>/run/s6-web.log\nexec sleep 600\n' >/etc/s6/web/run
printf '#!/bin/sh\necho down >>/run/s6-web.log\n' >/etc/s6/web/finish
printf '#!/bin/execlineb -P\nforeground { s6-echo ended } exit 0\n' >/etc/s6/.s6-svscan/finish
chmod 755 /etc/s6/web/run /etc/s6/web/finish /etc/s6/.s6-svscan/finish
