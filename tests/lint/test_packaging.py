"""What packagers rely on: one version, a document that knows each knob, and a
tarball that is the same each time."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from lint.sources import ROOT, read

MAKEFILES = ("Makefile", "tests/simulation/rules.mk", "tests/torture/rules.mk")
# what make or a caller sets, and the Makefile only uses
FROM_OUTSIDE = {"DESTDIR", "CPPFLAGS", "LDFLAGS"}
VERSION = re.search(r'MSGRAPH_VERSION "(.*)"', read("lib/base/version.h"))[1]


@pytest.mark.parametrize("path, pattern", [
    ("debian/changelog", r"^postfix-msgraph \((.*)-\d+\) "),
    ("packaging/rpm/postfix-msgraph.spec", r"^Version: +(\S+)"),
    ("packaging/rpm/postfix-msgraph.spec",
     r"^%changelog\n\*.* - (\S+)-\d+$"),
    ("packaging/rpm/msgraph.te", r"^policy_module\(msgraph, (\S+)\)"),
    ("CHANGES", r"^CHANGES FROM \S+ TO (\S+)"),
])
def test_there_is_one_version(path, pattern):
    assert re.search(pattern, read(path), re.M)[1] == VERSION


def test_every_knob_is_described():
    text = "\n".join(map(read, MAKEFILES))
    knobs = set(re.findall(r"^([A-Z_]+) \?=", text, re.M)) | FROM_OUTSIDE
    rows = re.findall(r"^\| `([A-Z_]+)` \| (?:`(.*?)`)?",
                      read("docs/packaging.md"), re.M)
    assert {name for name, _ in rows} == knobs
    for name, default in rows:
        if default:
            assert f"{name} ?= {default}\n" in text, name


def make_dist(build) -> dict[str, bytes]:
    subprocess.run(["make", "-s", "dist", f"BUILD={build}"], cwd=ROOT,
                   check=True, capture_output=True)
    return {path.name: path.read_bytes()
            for path in (build / "dist").iterdir()}


def is_committed() -> bool:
    """A new machine need not have git, which make dist asks."""
    return shutil.which("git") is not None and subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT,
        capture_output=True).returncode == 0


@pytest.mark.skipif(not is_committed(), reason="no clone, or no git")
def test_two_tarballs_are_the_same(tmp_path):
    first = make_dist(tmp_path / "first")
    assert first == make_dist(tmp_path / "second")
    name = f"postfix-msgraph-{VERSION}"
    assert set(first) == {f"{name}.tar.gz", f"{name}.spdx.json", "SHA256SUMS"}
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"],
                   cwd=tmp_path / "first" / "dist", check=True)
    document = json.loads(first[f"{name}.spdx.json"])
    ids = {package["SPDXID"] for package in document["packages"]}
    assert {link["relatedSpdxElement"]
            for link in document["relationships"]} == ids
    linked = set(re.findall(r"-l(?!pthread)(\w+)", "\n".join(re.findall(
        r"^[A-Z]+_LIBS = .*", read("Makefile"), re.M))))
    # libevent_core is libevent's, libcrypto and libssl are OpenSSL's
    assert len(ids) - 1 == len(linked - {"crypto"})
