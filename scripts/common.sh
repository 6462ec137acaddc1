# What scripts/demo and scripts/test share: packages, DynamoDB Local, a
# throwaway PostgreSQL.  Sourced by them; the caller has set -eu.

root=$(cd "$(dirname "$0")/.." && pwd)
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/cmz_fdw
pg_major=${CMZ_PG:-}
work=
dynamodb_pid=
postgres_packages=

# DynamoDB Local 1.25.1 comes inside this npm package.
simulator=amplify-dynamodb-simulator@2.9.30
simulator_sha256=3503ffac19f183407909fecdacf4db51ab1fdad1da7b2f177016670b2d80e4b9

say() { printf '== %s\n' "$*" >&2; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

# PostgreSQL refuses to run as root: then it runs as its package's user.
as_server() {
  if [ "$(id -u)" = 0 ]; then
    (cd "$work" && setpriv --reuid=postgres --regid=postgres --init-groups "$@")
  else
    "$@"
  fi
}

# Install those of the packages that are missing.
ensure_packages() {
  missing=
  for package in "$@"; do
    if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed'; then
      missing="$missing $package"
    fi
  done
  if [ -z "$missing" ]; then
    return
  fi
  say "installing$missing"
  as_root apt-get update -qq
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $missing >"$work/apt.log" 2>&1 ||
    { tail -20 "$work/apt.log" >&2; die "apt-get failed"; }
}

# The installation to build for: CMZ_PG's (or --pg's) of Debian's, that of PG_CONFIG, or
# the distribution's own.
find_postgres() {
  if [ -z "$pg_major" ] && [ -n "${PG_CONFIG:-}" ]; then
    pg_bin=$("$PG_CONFIG" --bindir)
    pg_major=$("$PG_CONFIG" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
    return
  fi
  if [ -z "$pg_major" ]; then
    # shellcheck disable=SC1091
    case $(. /etc/os-release && echo "${VERSION_ID:-}") in
      13) pg_major=17 ;;
      12) pg_major=15 ;;
      *) pg_major=$(ls /usr/lib/postgresql 2>/dev/null | sort -n | tail -1) ;;
    esac
    pg_major=${pg_major:-15}
  fi
  postgres_packages="postgresql-$pg_major postgresql-server-dev-$pg_major"
  pg_bin=/usr/lib/postgresql/$pg_major/bin
  PG_CONFIG=$pg_bin/pg_config
  export PG_CONFIG
}

ensure_build_packages() {
  find_postgres
  # shellcheck disable=SC2086
  ensure_packages $postgres_packages gcc make libcurl4-openssl-dev libssl-dev libjansson-dev util-linux python3
}

# Fetch DynamoDB Local into the cache, once, and check what came.
ensure_dynamodb() {
  dynamodb=$cache/dynamodb-local-1.25.1
  ensure_packages openjdk-17-jre-headless
  if [ -f "$dynamodb/complete" ]; then
    return
  fi
  if ! command -v npm >/dev/null 2>&1; then
    ensure_packages npm
  fi
  say "fetching $simulator"
  mkdir -p "$dynamodb"
  (cd "$work" && npm pack --silent "$simulator" >/dev/null)
  tarball=$work/$(echo "$simulator" | tr @ -).tgz
  echo "$simulator_sha256  $tarball" | sha256sum --check --quiet ||
    die "$simulator is not what it was: its checksum differs"
  tar -xzf "$tarball" -C "$dynamodb" --strip-components=2 package/emulator
  rm "$tarball"
  touch "$dynamodb/complete"
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start_dynamodb() {
  dynamodb_port=$(free_port)
  (cd "$dynamodb" && exec java -Xmx1g -Djava.library.path=./DynamoDBLocal_lib \
    -jar DynamoDBLocal.jar -inMemory -sharedDb -port "$dynamodb_port") >"$work/dynamodb.log" 2>&1 &
  dynamodb_pid=$!
  DYNAMODB_ENDPOINT_URL=http://127.0.0.1:$dynamodb_port
  export DYNAMODB_ENDPOINT_URL
  for _ in $(seq 100); do
    if python3 -c "import socket; socket.create_connection(('127.0.0.1', $dynamodb_port), 1)" 2>/dev/null; then
      return
    fi
    kill -0 "$dynamodb_pid" 2>/dev/null || break
    sleep 0.2
  done
  cat "$work/dynamodb.log" >&2
  die "DynamoDB Local did not start"
}

build() {
  say "building for PostgreSQL $pg_major"
  make -C "$root" -s -j2 with_llvm=no "$@" >"$work/build.log" 2>&1 ||
    { cat "$work/build.log" >&2; die "the build failed"; }
}

install_extension() {
  as_root make -C "$root" -s with_llvm=no PG_CONFIG="$PG_CONFIG" install >"$work/install.log" 2>&1 ||
    { cat "$work/install.log" >&2; die "the installation failed"; }
}

# A cluster on a socket in the work folder; it knows DYNAMODB_ENDPOINT_URL.
start_postgres() {
  as_server "$pg_bin/initdb" -D "$work/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 \
    >"$work/initdb.log"
  cat >>"$work/data/postgresql.conf" <<EOF
listen_addresses = ''
unix_socket_directories = '$work'
fsync = off
EOF
  as_server "$pg_bin/pg_ctl" -D "$work/data" -l "$work/postgres.log" -w -s start ||
    { cat "$work/postgres.log" >&2; die "PostgreSQL did not start"; }
  PGHOST=$work PGUSER=postgres PGPORT=5432
  export PGHOST PGUSER PGPORT
}

clean_up() {
  status=$?
  trap - EXIT INT TERM
  if [ -f "$work/data/postmaster.pid" ]; then
    as_server "$pg_bin/pg_ctl" -D "$work/data" -m fast -w -s stop || true
  fi
  if [ -n "$dynamodb_pid" ]; then
    kill "$dynamodb_pid" 2>/dev/null || true
  fi
  rm -rf "$work"
  exit $status
}

make_work_folder() {
  work=$(mktemp -d /tmp/cmz_fdw.XXXXXX)
  chmod 755 "$work"
  trap clean_up EXIT
  trap 'exit 130' INT TERM
  if [ "$(id -u)" = 0 ] && ! id postgres >/dev/null 2>&1; then
    return
  fi
  own_work_folder
}

# The server's user must be able to write there (known once it is installed).
own_work_folder() {
  if [ "$(id -u)" = 0 ]; then
    chown postgres "$work"
  fi
}
