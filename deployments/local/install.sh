#!/bin/sh
# Create .venv, and install the locked packages and this checkout into it: `install.sh` the packages of a worker,
# `install.sh dev` those of the tests, too. `install.sh dbt` creates .venv-dbt instead, with those of a worker and dbt,
# which needs older versions of some. Run it in the checkout's folder. It does nothing if the lock is installed.
set -eu

UV="uv==0.13.8"
VENV=.venv
COMPILE=--compile-bytecode
[ "${1:-}" != dbt ] || { VENV=.venv-dbt && COMPILE=; } # compiling takes a minute, and dbt imports only a part
PYTHON=$VENV/bin/python
LOG=$VENV/install.log

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

# Print the newest python that is new enough and can create virtual environments. Each one is run, because a pyenv shim
# may exist without its Python.
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
        fail "Python $version is installed, but without the module for virtual environments (ensurepip)." \
            "On Debian and Ubuntu, as root: apt-get install python$version-venv"
    fi
    fail "Daybook needs Python 3.11 or newer, but found $(python3 --version 2>/dev/null || echo 'no python3')." \
        "On Debian and Ubuntu, as root: apt-get install python3 python3-venv (Debian 12, Ubuntu 24.04 or newer)."
}

# Succeed if $VENV has a python that runs, is new enough and has pip. An interrupted or outdated one fails.
venv_works() {
    "$PYTHON" -c 'import sys, pip; sys.exit(sys.version_info < (3, 11) or sys.prefix == sys.base_prefix)' >/dev/null 2>&1
}

# Print the package index of pip's settings, which uv does not read.
pip_index() {
    echo "${PIP_INDEX_URL:-$("$PYTHON" -m pip config get global.index-url 2>/dev/null || true)}"
}

# Install the given locks, which are complete (--no-deps), and the checkout as an editable package, which creates
# $VENV/bin/daybook. uv takes seconds, pip minutes. But uv may not know this machine's certificates, proxy or mirror.
# So try uv with its own certificates, then uv with the system's, then pip.
install() {
    echo "Installing the packages of $* into $VENV"
    for lock in "$@"; do
        set -- "$@" -r "$lock"
        shift
    done
    set -- --no-deps "$@" -e .
    # The former name of the package. Uninstalled after this one, it would take files of this one along.
    "$PYTHON" -m pip uninstall --disable-pip-version-check -q -y daybook >/dev/null 2>&1 || true
    index=${UV_DEFAULT_INDEX:-$(pip_index)}
    [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
    if "$PYTHON" -m pip install --disable-pip-version-check "$UV" >"$LOG" 2>&1; then
        for certificates in --no-system-certs --system-certs; do
            # shellcheck disable=SC2086
            "$PYTHON" -m uv pip install --python "$PYTHON" "$certificates" $COMPILE "$@" >>"$LOG" 2>&1 && return
        done
        echo "uv could not install the packages. Installing them with pip, which takes a few minutes"
    fi
    "$PYTHON" -m pip install --disable-pip-version-check "$@" >>"$LOG" 2>&1 && return
    tail -n 15 "$LOG" >&2
    fail "" "The packages could not be installed (the whole output: $LOG)." \
        "pip's settings name the package registry: check 'pip config list' and PIP_INDEX_URL."
}

case ${1:-} in
    "") locks="requirements.txt" ;;
    dev) locks="requirements.txt requirements-dev.txt" ;;
    dbt) locks="requirements-dbt.txt" ;;
    *) fail "install.sh: unknown argument '$1': expected none, dev or dbt." ;;
esac

if ! venv_works; then
    python=$(find_python)
    echo "Creating $VENV with $("$python" --version)"
    "$python" -m venv --clear "$VENV" || fail "$python could not create $VENV in $(pwd)."
fi
# Print what the installation depends on: the folder, the locks, and the checkout's dependencies and commands.
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
