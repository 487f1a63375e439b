#!/bin/sh
# Starts the browser UI's development server; /api is passed on to the API's port.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1
# shellcheck source=launcher/find_python.sh
. "$here/launcher/find_python.sh"
exec "$python" "$here/launcher" frontend "$@"
