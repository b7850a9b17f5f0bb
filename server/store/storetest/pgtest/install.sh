#!/usr/bin/env bash
# install.sh CACHE: sees to it that pgtest finds PostgreSQL's server programs, unpacking them into the cache folder where
# none are installed. binaries.go looks in the same places.
set -euo pipefail
cache=$1

found() {
	local folder
	for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin {/var/cache/watchkeeper,"$cache"}/postgres/usr/lib/postgresql/*/bin; do
		if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ]; then return 0; fi
	done
	command -v initdb >/dev/null && command -v postgres >/dev/null
}

found || "$(dirname "${BASH_SOURCE[0]}")/../../../../.ci/unpack" postgresql "$cache/postgres"
found || { echo "PostgreSQL's packages hold no initdb and postgres: remove $cache/postgres and try again" >&2; exit 1; }
