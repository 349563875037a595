"""The URL forms of Google Cloud Storage: what is read, what is refused, and that the canonical form is one."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import heron
from heron_storage_gcs.urls import HOSTS, endpoint_of, normalise

FORMS = {
    "gs://bucket/a/b.jpg": "gs://bucket/a/b.jpg",
    "gcs://bucket/a/b.jpg": "gs://bucket/a/b.jpg",
    "GS://bucket/A.jpg": "gs://bucket/A.jpg",
    "gs://bucket": "gs://bucket/",
    "gs://bucket/": "gs://bucket/",
    "gs://bucket//a": "gs://bucket//a",
    "gs://bucket/two words.jpg": "gs://bucket/two%20words.jpg",
    "gs://bucket/two%20words.jpg": "gs://bucket/two%20words.jpg",
    "gs://bucket/no#1?.jpg": "gs://bucket/no%231%3F.jpg",
    "gs://bucket/100%": "gs://bucket/100%25",
    "gs://bucket/größe": "gs://bucket/gr%C3%B6%C3%9Fe",
    "gs://my.site.example/a": "gs://my.site.example/a",
    "https://storage.googleapis.com/bucket/a%20b/c": "gs://bucket/a%20b/c",
    "https://storage.googleapis.com/bucket/a%2Fb": "gs://bucket/a/b",
    "https://storage.googleapis.com/bucket": "gs://bucket/",
    "https://storage.googleapis.com:443/bucket/a": "gs://bucket/a",
    "HTTPS://Storage.GoogleAPIs.com/bucket/A": "gs://bucket/A",
    "https://storage.cloud.google.com/bucket/a": "gs://bucket/a",
    "https://storage.cloud.google.com/bucket/a%20b?authuser=0": "gs://bucket/a%20b",
    "http://storage.googleapis.com:80/bucket/a": "gs://bucket/a",
    "https://storage.cloud.google.com/storage/v1/a": "gs://storage/v1/a",
    "https://bucket.storage.googleapis.com/a/b": "gs://bucket/a/b",
    "https://bucket.storage.googleapis.com": "gs://bucket/",
    "https://my.site.example.storage.googleapis.com/a": "gs://my.site.example/a",
}

REFUSED = [
    "",
    "bucket/key",
    "gs:/bucket/key",
    "gs://",
    "gs:///key",
    "gs://a bucket/key",
    "gs://someone@bucket/key",
    "gs://bucket?x/key",
    "gs://buck%65t/key",
    "gs://bucket/%FF",
    "gs://bucket/a%00b",
    "gs://bucket/\ud800",
    "s3://bucket/key",
    "http://storage.googleapis.com:443/bucket/key",
    "https://storage.cloud.google.com/bucket/a?authuser=me",
    "https://storage.cloud.google.com/bucket/a?authuser=0&X-Goog-Signature=x",
    "https://storage.cloud.google.com/bucket/a?X-Goog-Signature=x?authuser=0",
    "https://storage.googleapis.com/",
    "https://storage.googleapis.com:8443/bucket/key",
    "https://storage.example.org/bucket/key",
    "https://storage.googleapis.com.example.org/bucket/key",
    "https://storage.googleapis.com/storage/v1/b/bucket/o/key",
    "https://storage.googleapis.com/download/storage/v1/b/bucket/o/key",
    "https://storage.googleapis.com/bucket/key?X-Goog-Signature=hidden",
    "https://storage.googleapis.com/bucket/key#hidden",
    "https://someone:hidden@storage.googleapis.com/bucket/key",
]


@pytest.mark.parametrize(("form", "canonical"), FORMS.items())
def test_forms_lead_to_one(form: str, canonical: str) -> None:
    assert normalise(form) == canonical
    assert normalise(canonical) == canonical


@pytest.mark.parametrize("url", REFUSED)
def test_other_urls_are_refused_in_one_line_without_their_secrets(url: str) -> None:
    with pytest.raises(heron.InvalidInput) as refusal:
        pytest.fail(f"became {normalise(url)}")
    assert len(str(refusal.value).splitlines()) == 1
    assert "hidden" not in str(refusal.value)


def test_hosts_are_those_of_the_forms() -> None:
    for url in FORMS:
        scheme, _, rest = url.partition("://")
        if scheme.lower() == "https":
            host = rest.partition("/")[0].lower().removesuffix(":443")
            assert any(re.fullmatch(pattern, host) for pattern in HOSTS)
    assert not any(re.fullmatch(pattern, "storage.googleapis.com.example.org") for pattern in HOSTS)


keys = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
buckets = st.from_regex(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]", fullmatch=True)


@pytest.mark.slow
@given(buckets, keys)
def test_every_key_comes_back_from_every_form(bucket: str, key: str) -> None:
    canonical = heron.object_url("gs", bucket, key)
    for start in (f"gs://{bucket}/", f"gcs://{bucket}/", f"https://storage.googleapis.com/{bucket}/"):
        assert normalise(start + quote(key)) == canonical
    assert normalise(f"https://{bucket}.storage.googleapis.com/{quote(key, safe='')}") == canonical
    assert heron.address_of(canonical) == heron.ObjectAddress(bucket, key)


@given(st.text())
def test_anything_is_canonical_once_normalised_or_refused(path: str) -> None:
    for url in (path, f"gs://bucket/{path}", f"gs://{path}", f"https://storage.googleapis.com/{path}"):
        try:
            once = normalise(url)
        except heron.InvalidInput as refusal:
            assert len(str(refusal).splitlines()) == 1
            str(refusal).encode()
        else:
            assert normalise(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "https://storage.googleapis.com",
        "http://127.0.0.1:4443",
        "HTTPS://Gcs.p.googleapis.com",
        "http://[::1]:80",
    ],
)
def test_endpoint_is_kept(text: str) -> None:
    assert endpoint_of(text) == endpoint_of(f"{text}/") == text


@pytest.mark.parametrize(
    "text",
    [
        "storage.googleapis.com",
        "ftp://host",
        "https://",
        "https://me:hidden@host",
        "https://host/hidden",
        "https://h o",
    ],
)
def test_other_endpoints_are_refused(text: str) -> None:
    with pytest.raises(heron.InvalidInput) as refusal:
        endpoint_of(text)
    assert "hidden" not in str(refusal.value)
