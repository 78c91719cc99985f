# Shell functions of ./lantian, scripts/test and scripts/check: find Python, make .venv, install the project into it.

say() { printf '%s\n' "lantian: $*" >&2; }

fail() {
    say "$@"
    exit 2
}

# The newest Python of at least 3.11 on the path.
find_python() {
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            command -v "$name"
            return 0
        fi
    done
    found=$(python3 --version 2>/dev/null || echo "no Python")
    fail "found $found, expected Python 3.11 or newer. On Debian 12 or newer: apt-get install python3"
}

# pip's wheel as a Debian package, by package lists of its own: needs no root, installs nothing on the system, and works
# where no lists have been read yet.
pip_from_debian() {
    command -v apt-get >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1 || return 1
    say "python3-venv is not installed; fetching pip as a Debian package (nothing is installed on the system)"
    mkdir -p "$1/lists/partial" "$1/archives/partial"
    private="-q -oDir::State::lists=$1/lists -oDir::Cache=$1 -oDebug::NoLocking=true"
    [ "$(id -u)" != 0 ] || private="$private -oAPT::Sandbox::User=root"
    # shellcheck disable=SC2086 # the options are words
    (cd "$1" && apt-get $private update && apt-get $private download python3-pip-whl) >>"$1/log" 2>&1 || return 1
    dpkg -x "$1"/python3-pip-whl_*.deb "$1/root" && cp "$1"/root/usr/share/python-wheels/pip-*.whl "$1/"
}

# Debian keeps pip out of `python3 -m venv` unless python3-venv is installed: run pip from its wheel instead.
bootstrap_pip() {
    python=$1 venv=$2
    advice="as root: apt-get update && apt-get install python3-venv"
    work=$(mktemp -d)
    chmod 755 "$work"
    if ! pip_from_debian "$work"; then
        tail -n 5 "$work/log" >&2 2>/dev/null || true
        rm -rf "$work"
        fail "this Python has no pip (modules venv or ensurepip are missing) and it could not be fetched; $advice"
    fi
    "$python" -m venv --without-pip "$venv" || fail "Python cannot make an environment; $advice"
    wheel=$(ls "$work"/pip-*.whl)
    "$venv/bin/python" "$wheel/pip" install --quiet --disable-pip-version-check pip ||
        fail "could not install pip into $venv: see the message above (is the package index reachable?)"
    rm -rf "$work"
}

make_venv() {
    python=$1 venv=$2
    say "making the environment .venv with $("$python" --version)"
    rm -rf "$venv"
    if "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        "$python" -m venv "$venv" || fail "could not make $venv: see the message above"
    else
        bootstrap_pip "$python" "$venv"
    fi
}

# prepare_environment CHECKOUT EXTRA: afterwards .venv holds the project, with EXTRA ("[dev]") when it is given.
prepare_environment() {
    checkout=$1 extra=$2
    venv=$checkout/.venv
    want=$(cat "$checkout/pyproject.toml" "$checkout/constraints.txt" | cksum)
    stamp=$venv/installed$extra
    if [ -x "$venv/bin/python" ] && "$venv/bin/python" -c '' 2>/dev/null && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
        return 0
    fi
    [ -w "$checkout" ] || fail "cannot write to $checkout; expected a checkout of your own (git clone)"
    if ! { [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1; }; then
        python=$(find_python) || exit 2
        make_venv "$python" "$venv"
    fi
    say "installing the project's libraries into .venv (once; about a minute)"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        --constraint "$checkout/constraints.txt" --editable "$checkout$extra" ||
        fail "installing failed: see the message above (is the package index reachable? is the disk full?)"
    printf '%s\n' "$want" >"$stamp"
    [ -z "$extra" ] || printf '%s\n' "$want" >"$venv/installed"
}
