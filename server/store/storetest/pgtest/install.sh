#!/usr/bin/env bash
# Sees to it that pgtest finds PostgreSQL's server programs. Where none are installed it unpacks the packages of Debian
# or Ubuntu into a cache folder: no root needed, nothing installed into the system, no service started.
set -euo pipefail

# binaries.go looks in the same places. Root's own home is closed to the user that PostgreSQL then runs as.
if [ "$(id -u)" = 0 ]; then
	cache=/var/cache/watchkeeper
else
	cache=${XDG_CACHE_HOME:-$HOME/.cache}/watchkeeper
fi

found() {
	local dir
	for dir in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /var/cache/watchkeeper/postgres/usr/lib/postgresql/*/bin \
		"$cache"/postgres/usr/lib/postgresql/*/bin; do
		if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ]; then return 0; fi
	done
	command -v initdb >/dev/null && command -v postgres >/dev/null
}

if found; then exit 0; fi

if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
	echo "make postgres: no PostgreSQL server programs found and no apt-get to fetch them with." >&2
	echo "Install PostgreSQL 15 or newer (the server, not only the client) and put initdb and postgres on the PATH." >&2
	exit 1
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists/partial,archives/partial,debs,postgres}
chmod 755 "$cache" "$work/postgres"

# With lists of its own apt-get needs neither root nor an earlier `apt-get update`, and leaves the system's alone.
apt=(apt-get -qq -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/archives" -o Debug::NoLocking=1
	-o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none)

echo "make postgres: fetching PostgreSQL's packages into $cache"
# A list of somebody else's that cannot be had is no matter as long as the package itself is found.
"${apt[@]}" update || true
# The simulation names what is missing on this machine, libraries included; a line with an old version in brackets is
# an upgrade of something that is there and will do.
packages=$("${apt[@]}" --simulate --no-install-recommends install postgresql | awk '$1 == "Inst" && $3 ~ /^\(/ {print $2}')
[ -n "$packages" ] || { echo "make postgres: apt-get names no package to fetch for postgresql" >&2; exit 1; }
# shellcheck disable=SC2086 # one word per package is meant
(cd "$work/debs" && "${apt[@]}" download $packages)

for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$work/postgres"; done
# Another make may have been faster; its result is as good.
mv -T "$work/postgres" "$cache/postgres" 2>/dev/null || true
found || { echo "make postgres: the packages hold no initdb and postgres" >&2; exit 1; }
