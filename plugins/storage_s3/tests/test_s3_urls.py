"""URLs of S3: each form leads to one, what is refused is refused without repeating a secret."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import heron
from heron_storage_s3.urls import normalise

KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
BUCKETS = st.text("abcxyz019-.", min_size=1, max_size=20).map(lambda middle: f"b{middle}0")
on_any_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
REGIONS = st.sampled_from(["us-east-1", "eu-central-1", "us-gov-west-1", "ap-southeast-3"])


@on_any_machine
@given(BUCKETS, KEYS)
def test_a_canonical_url_stays_and_keeps_its_key(bucket: str, key: str) -> None:
    url = heron.object_url("s3", bucket, key)
    assert normalise(url) == url
    assert heron.address_of(normalise(url)) == heron.ObjectAddress(bucket, key)


@pytest.mark.slow
@on_any_machine
@given(BUCKETS, KEYS)
def test_what_is_not_escaped_is_the_same_object(bucket: str, key: str) -> None:
    if "%" not in key:
        assert normalise(f"S3A://{bucket}/{key}") == heron.object_url("s3", bucket, key)


@on_any_machine
@given(BUCKETS, KEYS, REGIONS)
def test_every_https_form_is_the_same_object(bucket: str, key: str, region: str) -> None:
    path, canonical = quote(key), heron.object_url("s3", bucket, key)
    for host in (f"s3.{region}", f"s3-{region}", f"s3.dualstack.{region}", "s3"):
        assert normalise(f"https://{bucket}.{host}.amazonaws.com/{path}") == canonical
        assert normalise(f"https://{host}.amazonaws.com/{bucket}/{path}") == canonical


@on_any_machine
@given(st.text(max_size=60))
def test_any_text_gives_a_canonical_url_or_one_line(text: str) -> None:
    try:
        url = normalise(text)
    except heron.InvalidInput as refusal:
        assert len(str(refusal).splitlines()) == 1
        str(refusal).encode()
    else:
        assert url.startswith("s3://")
        assert normalise(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "https://lake.s3.amazonaws.com/a.jpg?X-Amz-Signature=some-secret-text",
        "https://lake.s3.amazonaws.com/a.jpg#some-secret-text",
        "https://lake.s3.amazonaws.com?some-secret-text",
        "https://lake.s3.amazonaws.com/a#b?some-secret-text",
        "http://lake.s3.amazonaws.com/a.jpg?X-Amz-Signature=some-secret-text",
        "https://elsewhere.example/a.jpg?X-Amz-Signature=some-secret-text",
        "s3://key:some-secret-text@lake/a.jpg",
        "https://key:some-secret-text@lake.s3.amazonaws.com/a.jpg",
        "ftp://key:some-secret-text@lake/a.jpg",
        "some-secret-text@lake",
    ],
)
def test_secrets_in_a_url_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(heron.InvalidInput) as caught:
        normalise(url)
    assert "secret-text" not in str(caught.value)


POINT = "arn:aws:s3:eu-central-1:123456789012:accesspoint:my-photos"


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("http://lake.s3.amazonaws.com/a.jpg", "s3://lake/a.jpg"),
        ("http://s3.eu-central-1.amazonaws.com:80/lake/a.jpg", "s3://lake/a.jpg"),
        ("s3n://lake/a.jpg", "s3://lake/a.jpg"),
        (
            "https://my-photos-123456789012.s3-accesspoint.eu-central-1.amazonaws.com/b/a.jpg",
            f"s3://{POINT}/b/a.jpg",
        ),
        (
            "https://my-photos-123456789012.s3-accesspoint.dualstack.eu-central-1.amazonaws.com/a",
            f"s3://{POINT}/a",
        ),
        (
            "https://p-123456789012.s3-accesspoint.cn-north-1.amazonaws.com.cn/a",
            "s3://arn:aws-cn:s3:cn-north-1:123456789012:accesspoint:p/a",
        ),
        ("s3://arn:aws:s3:eu-central-1:123456789012:accesspoint/my-photos/b/a.jpg", f"s3://{POINT}/b/a.jpg"),
        (f"s3://{POINT}/b/a.jpg", f"s3://{POINT}/b/a.jpg"),
    ],
)
def test_further_forms_that_people_have_are_read(url: str, canonical: str) -> None:
    assert normalise(url) == normalise(canonical) == canonical


def test_a_signed_url_of_an_access_point_has_its_own_host(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("s3fs")
    from fsspec.asyn import sync

    from heron_storage_s3 import load
    from heron_storage_s3.testing import forget_environment

    forget_environment(monkeypatch)
    storage = load({"access_key_id": "key", "secret_access_key": "secret-text", "region": "eu-central-1"})
    address = heron.address_of(f"s3://{POINT}/b/a.jpg")

    async def sign() -> str:
        client = await storage.filesystem.set_session()  # type: ignore[attr-defined]
        given = {"Bucket": address.bucket, "Key": address.key}
        return str(await client.generate_presigned_url("get_object", Params=given))

    host = "my-photos-123456789012.s3-accesspoint.eu-central-1.amazonaws.com"
    assert sync(storage.filesystem.loop, sign).startswith(f"https://{host}/b/a.jpg?")  # type: ignore[attr-defined]


def test_a_plus_is_a_blank_in_https_urls_as_amazon_itself_reads_them() -> None:
    assert normalise("https://lake.s3.amazonaws.com/two+words.jpg") == "s3://lake/two%20words.jpg"
    assert normalise("https://s3.amazonaws.com/lake/two%2Bwords.jpg") == "s3://lake/two+words.jpg"
    assert normalise("s3://lake/two+words.jpg") == "s3://lake/two+words.jpg"


@pytest.mark.parametrize(
    ("url", "bucket"),
    [
        ("https://s3.s3.amazonaws.com/k", "s3"),
        ("https://a.s3.s3.eu-west-1.amazonaws.com/k", "a.s3"),
        ("https://s3.eu-west-1.s3.amazonaws.com/k", "s3.eu-west-1"),
        ("https://s3-external-1.amazonaws.com/lake/k", "lake"),
        ("https://s3-fips.us-gov-west-1.amazonaws.com/lake/k", "lake"),
    ],
)
def test_buckets_with_dots_are_told_from_hosts(url: str, bucket: str) -> None:
    assert normalise(url) == f"s3://{bucket}/k"
