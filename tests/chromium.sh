#!/bin/sh
# Installs Debian's Chromium, and a Chinese font for its screenshots, where they are missing: the page is tested in it.
set -eu
command -v chromium >/dev/null && fc-list :lang=zh 2>/dev/null | grep -q . && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fontconfig fonts-noto-cjk >/dev/null
else
    echo "error: the page is tested in Chromium: install the packages chromium, fontconfig and fonts-noto-cjk" >&2
    exit 1
fi
