#!/bin/sh
# Sets Z-Image up (first run only) and starts the API and the browser UI. Options: ./start.sh --help
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1
# shellcheck source=launcher/find_python.sh
. "$here/launcher/find_python.sh"
exec "$python" "$here/launcher" "$@"
