#!/bin/sh
# Starts the API, with the browser UI when it was built before. Needs no Node.
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
exec "$python" "$here/launcher" backend "$@"
