#!/bin/sh
# Starts the browser UI's development server; /api is passed on to the API's port.
self=$0
while [ -L "$self" ]; do # this script may be called through links
    target=$(readlink "$self") || exit 1
    case $target in
        /*) self=$target ;;
        *) self=$(dirname -- "$self")/$target ;;
    esac
done
here=$(CDPATH='' cd -P -- "$(dirname -- "$self")" && pwd -P) || exit 1
# shellcheck source=launcher/find_python.sh
. "$here/launcher/find_python.sh"
exec "$python" "$here/launcher" frontend "$@"
