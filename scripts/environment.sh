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

# Debian keeps pip out of `python3 -m venv` unless python3-venv is installed. Fetch pip's wheel as a package instead: that needs no root.
bootstrap_pip() {
    python=$1 venv=$2
    command -v apt-get >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1 ||
        fail "this Python cannot make environments: its modules venv and ensurepip are missing; install them (Debian: apt-get install python3-venv)"
    work=$(mktemp -d)
    say "python3-venv is not installed; fetching pip as a Debian package (nothing is installed on the system)"
    chmod 755 "$work"
    if ! (cd "$work" && apt-get download -q python3-pip-whl >"$work/log" 2>&1); then
        cat "$work/log" >&2
        rm -rf "$work"
        fail "could not fetch pip. As root: apt-get update && apt-get install python3-venv"
    fi
    dpkg -x "$work"/python3-pip-whl_*.deb "$work/root"
    "$python" -m venv --without-pip "$venv" || fail "python cannot make an environment. As root: apt-get install python3-venv"
    wheel=$(ls "$work"/root/usr/share/python-wheels/pip-*.whl)
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
