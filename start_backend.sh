#!/bin/sh
# Starts the API, with the browser UI when it was built before. Needs no Node.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1
# shellcheck source=launcher/find_python.sh
. "$here/launcher/find_python.sh"
exec "$python" "$here/launcher" backend "$@"
