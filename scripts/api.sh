# shellcheck shell=bash
# api.sh: for scripts to source that walk through the API with curl and jq.
#
#   USER_URL, VIDEO_URL   where the services are
#
# Neither passwords nor tokens are ever arguments of a program, where other users of the machine could read them.

USER_URL=${USER_URL:-http://127.0.0.1:8000}
VIDEO_URL=${VIDEO_URL:-http://127.0.0.1:9000}

# An access token lives for 15 minutes by default, and so does the patience of whoever follows an analysis.
PATIENCE_SECONDS=900

api=$(mktemp --directory) # closed to others
trap 'rm -rf "$api"' EXIT

fail() {
  echo "error: $1" >&2
  exit 1
}

# request CURL-ARGUMENT…: prints the answer's body; anything but success is an error in the service's own words.
request() {
  local status
  status=$(curl --silent --show-error --max-time "$PATIENCE_SECONDS" --output "$api/answer" \
    --write-out '%{http_code}' "$@") || fail "no answer from ${*: -1}"
  case $status in
    2??) cat "$api/answer" ;;
    *) fail "${*: -1} answered $status: $(<"$api/answer")" ;;
  esac
}

authorized() {
  request --header @"$api/authorization" "$@"
}

random_password() {
  head --bytes 18 /dev/urandom | base64
}

# register USERNAME PASSWORD: makes the account; log_in with NEW_USERNAME and NEW_PASSWORD.
register() {
  export NEW_USERNAME=$1 NEW_PASSWORD=$2
  jq --null-input '{username: env.NEW_USERNAME, email: "\(env.NEW_USERNAME)@example.org", password: env.NEW_PASSWORD}' \
    | request --json @- "$USER_URL/users/register"
}

# log_in USERNAME PASSWORD: what follows is done in this user's name.
log_in() {
  export NEW_USERNAME=$1 NEW_PASSWORD=$2
  local token
  token=$(jq --null-input '{username: env.NEW_USERNAME, password: env.NEW_PASSWORD}' \
    | request --json @- "$USER_URL/users/login" | jq --raw-output .access_token)
  echo "Authorization: Bearer $token" >"$api/authorization"
}

# upload FILE TITLE: prints the id of the new video.
upload() {
  authorized --form "file=@\"$1\";type=video/mp4" --form-string "title=$2" "$VIDEO_URL/videos" | jq --raw-output .id
}

# analysis VIDEO: prints the analysis as it is now.
analysis() {
  authorized "$VIDEO_URL/videos/$1/analysis"
}

# follow VIDEO: shows how far its analysis is, until it has succeeded.
follow() {
  local deadline=$((SECONDS + PATIENCE_SECONDS)) shown="" state status percent
  while true; do
    state=$(analysis "$1" | jq --raw-output '"\(.status) \(.progress.fraction * 100 | floor)"')
    read -r status percent <<<"$state"
    [ "$status" != succeeded ] || percent=100
    # A log is not filled with each percent.
    [ -t 1 ] || state="$status $((percent / 10))"
    if [ "$state" != "$shown" ]; then
      show_progress "$status" "$percent"
      shown=$state
    fi
    case $status in
      succeeded) break ;;
      queued | running) ;;
      *) fail "the analysis has ended: $(analysis "$1" | jq --compact-output '{status, error}')" ;;
    esac
    [ "$SECONDS" -lt "$deadline" ] || fail "the analysis is still $status after $PATIENCE_SECONDS seconds"
    sleep 0.25
  done
  if [ -t 1 ]; then echo; fi
}

# A bar that grows in place on a terminal; elsewhere a line for each step.
show_progress() { # STATUS PERCENT
  if [ -t 1 ]; then
    local width=40 filled
    filled=$(($2 * width / 100))
    printf '\r  [%s%s] %3d %%  %-9s' "$(repeat '#' "$filled")" "$(repeat '.' $((width - filled)))" "$2" "$1"
  else
    printf '  %3d %%  %s\n' "$2" "$1"
  fi
}

repeat() { # CHARACTER TIMES
  local line
  printf -v line '%*s' "$2" ''
  printf '%s' "${line// /$1}"
}
