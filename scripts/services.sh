# shellcheck shell=bash
# services.sh: for `run` and `demo` to source: both services from this checkout, on SQLite and the folder data/.
#
# Ports are 8000 and 9000, or what USER_SERVICE__HTTP__PORT and VIDEO_SERVICE__HTTP__PORT say. Whoever sources this
# gets the services stopped when it ends, however it ends.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

export USER_SERVICE__HTTP__PORT=${USER_SERVICE__HTTP__PORT:-8000}
export VIDEO_SERVICE__HTTP__PORT=${VIDEO_SERVICE__HTTP__PORT:-9000}
export USER_URL=http://127.0.0.1:$USER_SERVICE__HTTP__PORT
export VIDEO_URL=http://127.0.0.1:$VIDEO_SERVICE__HTTP__PORT
export VIDEO_SERVICE__USER_SERVICE__URL=$USER_URL
export USER_SERVICE__VIDEO_SERVICE__URL=$VIDEO_URL
export no_proxy=127.0.0.1,localhost

export PROGRAMS=${CARGO_TARGET_DIR:-target}/release
started=()    # process ids, in the order of their start
loggers=()    # process ids of what still shows the last words of those
end_status="" # what this script ends with when it is told to end; by default what the signal stands for

fail() {
  echo "error: $1" >&2
  exit 1
}

# launch COMMAND…: in the background. Whatever ends this script, even SIGKILL, ends the command as well.
launch() {
  setpriv --pdeathsig TERM "$@" &
  started+=("$!")
}

# await_ready NAME URL: waits until the service launched last answers that it is ready, for a minute at most.
await_ready() {
  local deadline=$((SECONDS + 60))
  until curl --silent --fail --max-time 5 --output /dev/null "$2/readyz"; do
    kill -0 "${started[-1]}" 2>/dev/null || fail "$1 did not start"
    [ "$SECONDS" -lt "$deadline" ] || fail "$1 is not ready after a minute"
    sleep 0.2
  done
}

# await_end: until somebody ends this script; an error when a service ends before.
await_end() {
  wait -n "${started[@]}" || :
  fail "a service has ended"
}

stop_all() {
  trap - EXIT INT TERM HUP
  local i
  # The one that asks goes before the one that answers.
  for ((i = ${#started[@]} - 1; i >= 0; i--)); do
    if kill -TERM "${started[i]}" 2>/dev/null; then
      wait "${started[i]}" || :
    fi
  done
  for i in "${loggers[@]}"; do
    wait "$i" || :
  done
}
trap stop_all EXIT
trap 'exit "${end_status:-129}"' HUP
trap 'exit "${end_status:-130}"' INT
trap 'exit "${end_status:-143}"' TERM
