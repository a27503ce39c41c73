#!/bin/sh
# Make .venv, and install the lock and this checkout into it: `install.sh` what a worker needs, `install.sh dev` the tests'
# tools as well. `install.sh dbt` makes .venv-dbt instead: a worker's packages with dbt, which needs older versions of some.
# Run it in the checkout's folder. It does nothing if the lock is installed already, however old the files are.
set -eu

UV="uv==0.13.8"
VENV=.venv
COMPILE=--compile-bytecode
[ "${1:-}" != dbt ] || { VENV=.venv-dbt && COMPILE=; } # a run of dbt imports little of it: to compile all takes a minute
PYTHON=$VENV/bin/python
LOG=$VENV/install.log

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

# The newest python that is new enough and can make virtual environments. Each is run: a pyenv shim may only pretend.
find_python() {
    without_venv=
    for name in python3.14 python3.13 python3.12 python3.11 python3; do
        "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue
        if "$name" -c 'import ensurepip, venv' >/dev/null 2>&1; then
            echo "$name"
            return
        fi
        without_venv=${without_venv:-$name}
    done
    if [ -n "$without_venv" ]; then
        version=$("$without_venv" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        fail "Python $version is here, but without the module that makes virtual environments (ensurepip)." \
            "On Debian and Ubuntu, as root: apt-get install python$version-venv"
    fi
    fail "Daybook needs Python 3.11 or newer, and found $(python3 --version 2>/dev/null || echo 'no python3 at all')." \
        "On Debian and Ubuntu, as root: apt-get install python3 python3-venv (Debian 12, Ubuntu 24.04 or newer)."
}

# Whether $VENV has a python that runs, is new enough, and has pip: an interrupted or outdated one has not.
venv_works() {
    "$PYTHON" -c 'import sys, pip; sys.exit(sys.version_info < (3, 11) or sys.prefix == sys.base_prefix)' >/dev/null 2>&1
}

# The mirror in pip's settings, which uv does not read.
pip_index() {
    echo "${PIP_INDEX_URL:-$("$PYTHON" -m pip config get global.index-url 2>/dev/null || true)}"
}

# Install the locks given, which lack nothing (--no-deps), and the checkout: editable, which gives $VENV/bin/daybook.
# uv takes seconds where pip takes minutes. It may lack what pip knows of this machine (certificates, a proxy, a mirror):
# so first with uv's own certificates, then with the system's, then with pip.
install() {
    echo "Installing the packages of $* into $VENV"
    for lock in "$@"; do
        set -- "$@" -r "$lock"
        shift
    done
    set -- --no-deps "$@" -e .
    index=${UV_DEFAULT_INDEX:-$(pip_index)}
    [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
    if "$PYTHON" -m pip install --disable-pip-version-check "$UV" >"$LOG" 2>&1; then
        for certificates in --no-system-certs --system-certs; do
            # shellcheck disable=SC2086
            "$PYTHON" -m uv pip install --python "$PYTHON" "$certificates" $COMPILE "$@" >>"$LOG" 2>&1 && return
        done
        echo "uv could not install them, so pip does: this takes a few minutes"
    fi
    "$PYTHON" -m pip install --disable-pip-version-check "$@" >>"$LOG" 2>&1 && return
    tail -n 15 "$LOG" >&2
    fail "" "The packages could not be installed (all of it: $LOG)." \
        "They come from the package registry that pip is set up for: see 'pip config list' and PIP_INDEX_URL."
}

case ${1:-} in
    "") locks="requirements.txt" ;;
    dev) locks="requirements.txt requirements-dev.txt" ;;
    dbt) locks="requirements-dbt.txt" ;;
    *) fail "install.sh knows no '$1': expected nothing, dev or dbt." ;;
esac

if ! venv_works; then
    python=$(find_python)
    echo "Making $VENV with $("$python" --version)"
    "$python" -m venv --clear "$VENV" || fail "$python could not make $VENV in $(pwd)."
fi
# What is installed: the locks, and this checkout with its dependencies and commands, in this folder.
wanted() {
    # shellcheck disable=SC2086
    pwd && cat $locks pyproject.toml
}

stamp="$VENV/installed-${1:-worker}.txt"
wanted | cmp -s - "$stamp" && exit 0
rm -f "$stamp"
# shellcheck disable=SC2086
install $locks
wanted >"$stamp"
