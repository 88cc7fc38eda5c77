# pip installs a package with a program and a shared library into an environment of its own.
set -e
python3 -m venv --without-pip /opt/venv
pip="pip --python /opt/venv/bin/python"
$pip install -q --disable-pip-version-check --no-index /srv/packages/hello_native-*.whl
test "$(/opt/venv/bin/hello-native)" = 42
$pip uninstall -q -y hello-native
