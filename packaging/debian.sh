# shellcheck shell=sh
# Debian packages for ./run and ./test, which source this file.

# Prints a line for the person, on stderr: stdout belongs to the program.
say() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
}

# Prints those of the given packages whose content is not on this machine, however it
# would have come there: a Python from elsewhere is as good as Debian's.
missing_packages() {
    for package in "$@"; do
        case $package in
            bubblewrap) command -v bwrap ;;
            dbus) command -v dbus-daemon && command -v dbus-send ;;
            gcc) command -v cc ;;
            # Elsewhere the headers come with the compiler, or lie in another place.
            libc6-dev) test -e /usr/include/stdio.h || ! command -v apt-get ;;
            libasound2-dev) pkg-config --exists alsa || ! command -v apt-get ;;
            libasound2-plugins) find /usr/lib -name libasound_module_pcm_pulse.so | grep -q . || ! command -v apt-get ;;
            nodejs) command -v node ;;
            # Version 5 of the program has another name than Debian 12's.
            pocketsphinx) command -v pocketsphinx || command -v pocketsphinx_continuous ;;
            pocketsphinx-en-us) test -e /usr/share/pocketsphinx/model/en-us || ! command -v apt-get ;;
            pulseaudio-utils) command -v pactl ;;
            python3-venv) python3 -c 'import ensurepip, venv' ;;
            *) command -v "$package" ;;
        esac >/dev/null 2>&1 || printf '%s ' "$package"
    done
}

# Fetches what packages there are.
refresh_package_lists() {
    # shellcheck disable=SC2086 # $as_root is empty or one word
    ${as_root:-} apt-get -o DPkg::Lock::Timeout=600 update </dev/null >&2
}

# Installs the given Debian packages where they are missing. It never stops the
# caller, who checks afterwards for the parts that it cannot do without.
install_debian_packages() {
    wanted=$(missing_packages "$@")
    [ -n "$wanted" ] || return 0

    if ! command -v apt-get >/dev/null 2>&1; then
        say "missing on this system: ${wanted% } (named as Debian names them)."
        say "There is no apt-get here; install them with this system's own package manager."
        return 0
    fi
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            say "missing: ${wanted% }. As root: apt-get install --no-install-recommends ${wanted% }"
            return 0
        fi
        as_root=sudo
    fi

    say "installing ${wanted% }"
    # Word splitting is meant: $as_root is empty or one word, $wanted is a list of names.
    # shellcheck disable=SC2086
    {
        refresh_package_lists ||
            say "the package lists could not be refreshed; trying with those at hand"
        $as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends $wanted </dev/null >&2 ||
            say "could not install ${wanted% }"
    }
    return 0
}

# Stops the caller unless a C compiler and a recent enough Rust are here.
# Runs in the repository, where rust-toolchain.toml picks the toolchain.
require_toolchain() {
    if ! command -v cc >/dev/null 2>&1; then
        say "a C compiler (cc) is needed to build the embedded database, and there is none."
        exit 1
    fi
    # A shell opened before Rust was installed does not have its folder on PATH.
    cargo_bin=${CARGO_HOME:-${HOME:-}/.cargo}/bin
    if ! command -v cargo >/dev/null 2>&1 && [ -x "$cargo_bin/cargo" ]; then
        PATH=$cargo_bin:$PATH
        export PATH
    fi
    needs=$(sed -n 's/^rust-version *= *"\([0-9.]*\)".*/\1/p' Cargo.toml)
    if ! command -v cargo >/dev/null 2>&1; then
        say "Rust is needed (cargo $needs or newer) and there is no cargo on PATH."
        say "Install it with rustup, https://rustup.rs, then start this again."
        exit 1
    fi
    # rustup may have to fetch the toolchain first, and says so on stderr.
    if ! found=$(cargo --version); then
        say "cargo does not start; the messages above say why."
        exit 1
    fi
    version=${found#cargo }
    major=${version%%.*}
    minor=${version#*.}
    minor=${minor%%.*}
    case $major$minor in
        '' | *[!0-9]*) return 0 ;; # an unknown form of version: cargo itself will judge
    esac
    needs_major=${needs%%.*}
    needs_minor=${needs#*.}
    needs_minor=${needs_minor%%.*}
    if [ "$major" -lt "$needs_major" ] ||
        { [ "$major" -eq "$needs_major" ] && [ "$minor" -lt "$needs_minor" ]; }; then
        say "Rust $needs or newer is needed; this is $found. Install it with rustup, https://rustup.rs."
        exit 1
    fi
}
