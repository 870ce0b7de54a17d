"""The example that fetches a certificate from Azure Key Vault, with a vault
that is a file."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness import cert, document, example

SCRIPT = example.EXAMPLES / "keyvault" / "fetch-certificate"

AZ = """\
#!/bin/sh
echo "$*" >>"$VAULT/asked"
while [ "$1" != --file ]; do shift; done
cp "$VAULT/pfx" "$2"
"""
POSTFIX = """\
#!/bin/sh
echo "$*" >>"$VAULT/postfix"
"""


class Vault:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.pem = root / "relay.pem"
        for folder, name, text in (("bin", "az", AZ),
                                   ("sbin", "postfix", POSTFIX)):
            (root / folder).mkdir()
            (root / folder / name).write_text(text)
            (root / folder / name).chmod(0o755)

    def put(self, name: str, *how: str) -> tuple[str, str]:
        """A new certificate; returns it and its key, as PEM."""
        folder = self.root / name
        folder.mkdir()
        key, crt = cert.make(folder)
        made = subprocess.run(
            ["openssl", "pkcs12", *how, "-export", "-inkey", str(key), "-in",
             str(crt), "-passout", "pass:", "-out", str(self.root / "pfx")],
            capture_output=True, text=True)
        if how and made.returncode != 0:
            pytest.skip("no openssl-provider-legacy here")
        assert made.returncode == 0, made.stderr
        return key.read_text(), crt.read_text()

    def fetch(self) -> subprocess.CompletedProcess:
        """As cron, whose PATH has no folder of root's programs."""
        script = self.root / "fetch-certificate"
        script.write_text(SCRIPT.read_text().replace(
            "/usr/sbin", str(self.root / "sbin")))
        words = document.command("docs/operations.md", "fetch-certificate ")
        words = words.replace("<vault>", "vault1").replace("<name>", "relay")
        return subprocess.run(
            ["sh", str(script), *words.split()[1:], str(self.pem)],
            env={"PATH": f"{self.root / 'bin'}:/usr/bin:/bin",
                 "VAULT": str(self.root)},
            capture_output=True, text=True, timeout=60)

    def reloads(self) -> int:
        told = self.root / "postfix"
        return len(told.read_text().splitlines()) if told.exists() else 0


@pytest.fixture
def vault(tmp_path) -> Vault:
    return Vault(tmp_path)


@pytest.mark.parametrize("how", [
    [], ["-legacy", "-certpbe", "PBE-SHA1-RC2-40"]])
def test_certificate_comes_with_its_key_first(vault, how):
    key, crt = vault.put("first", *how)
    done = vault.fetch()
    assert done.returncode == 0, done.stderr
    pem = vault.pem.read_text()
    assert key.strip() in pem and crt.strip() in pem
    assert pem.index("PRIVATE KEY") < pem.index("BEGIN CERTIFICATE")
    assert vault.pem.stat().st_mode & 0o777 == 0o600
    assert "--vault-name vault1 --name relay" in (
        vault.root / "asked").read_text()
    assert vault.reloads() == 1


def test_postfix_hears_of_a_new_one_only(vault):
    vault.put("first")
    for _ in range(2):
        assert vault.fetch().returncode == 0
    assert vault.reloads() == 1
    _, crt = vault.put("second")
    assert vault.fetch().returncode == 0
    assert crt.strip() in vault.pem.read_text()
    assert vault.reloads() == 2


def test_what_is_no_certificate_changes_nothing(vault):
    vault.put("first")
    vault.fetch()
    before = vault.pem.read_text()
    (vault.root / "pfx").write_text("not one")
    assert vault.fetch().returncode != 0
    assert vault.pem.read_text() == before
    assert vault.reloads() == 1
    assert not list(vault.root.glob("relay.pem?*"))
