"""Package registries and image registries."""

from __future__ import annotations

from apps.core.detectors.secret_rules.rule import END, SecretRule
from apps.core.detectors.synthetic import alnum, hexa, lower

REGISTRY_RULES = (
    SecretRule(
        "npm-token",
        "npm",
        r"\bnpm_[0-9A-Za-z]{36,}",
        "npm_" + alnum(36),
        "npm_" + lower(10),
        ("npm_",),
    ),
    SecretRule(
        "npmrc-auth",
        "npm",
        r"(?i:_authToken|_auth|_password)[\"']?\s{0,2}[=:]\s{0,2}[\"']?([0-9A-Za-z_\-+/=]{16,})",
        "//registry.example.org/:_authToken=" + alnum(32),
        "//registry.example.org/:_authToken=${NPM_TOKEN}",
        ("_auth", "_password"),
    ),
    SecretRule(
        "pypi-token",
        "PyPI",
        r"\bpypi-[0-9A-Za-z_\-]{50,}",
        "pypi-" + "AgEIcHlwaS5vcmc" + alnum(70),
        "pypi-" + lower(12),
        ("pypi-",),
    ),
    SecretRule(
        "rubygems-key",
        "RubyGems",
        r"\brubygems_[0-9a-f]{48}",
        "rubygems_" + hexa(48),
        "rubygems_" + hexa(10),
        ("rubygems_",),
    ),
    SecretRule(
        "crates-token",
        "crates.io",
        r"\b(cio[0-9A-Za-z]{32})" + END,
        "cio" + alnum(32),
        "cio" + lower(8),
        ("cio",),
    ),
    SecretRule(
        "nuget-key",
        "NuGet",
        r"\b(oy2[0-9a-z]{43})" + END,
        "oy2" + lower(43),
        "oy2" + lower(7),
        ("oy2",),
    ),
    SecretRule(
        "clojars-token",
        "Clojars",
        r"(?i)\bCLOJARS_[0-9a-z]{60}",
        "CLOJARS_" + hexa(60),
        "CLOJARS_" + hexa(10),
        ("clojars_",),
    ),
    SecretRule(
        "docker-hub-token",
        "Docker Hub",
        r"\bdckr_(?:pat|oat)_[0-9A-Za-z_\-]{24,}",
        "dckr_pat_" + alnum(27),
        "dckr_pat_" + lower(6),
        ("dckr_",),
    ),
    SecretRule(
        "docker-config-auth",
        "Docker",
        r"\"auth\\?\"\s{0,3}:\s{0,3}\\?\"([0-9A-Za-z+/]{16,}={0,2})\\?\"",
        '{"auths": {"registry.example.org": {"auth": "' + alnum(32) + '"}}}',
        '{"auths": {"registry.example.org": {"auth": ""}}}',
        ('"auth', '\\"auth'),
    ),
    SecretRule(
        "artifactory-token",
        "JFrog Artifactory",
        r"\b(?:AKCp[0-9A-Za-z]{60,}|cmVmd[0-9A-Za-z]{59})",
        "AKCp" + alnum(69),
        "AKCp" + alnum(8),
        ("akcp", "cmvmd"),
    ),
    SecretRule(
        "packagist-token",
        "Packagist",
        r"\bpackagist_[a-z]{2,4}_[0-9a-f]{40,}",
        "packagist_out_" + hexa(68),
        "packagist_out_" + hexa(8),
        ("packagist_",),
    ),
)
