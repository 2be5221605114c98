"""Profiles as the cluster holds them, credentials as the kubelet mounts them."""

import pytest

from clt_operator.api.errors import SpecError, StoreError
from clt_operator.api.profiles import StoreProfile
from clt_operator.cluster.profiles import NoProfiles, load_profiles, store_environment
from clt_operator.cluster.resources import CONFIGMAPS

PROFILE = StoreProfile(uri="s3://b/p", environment={"AWS_REGION": "eu-1"})


class Fake:
    def __init__(self, *objects):
        self.objects = {(o["metadata"]["namespace"], o["metadata"]["name"]): o for o in objects}

    def find(self, resource, name, namespace=""):
        assert resource is CONFIGMAPS
        return self.objects.get((namespace, name))


def config_map(data):
    return {"metadata": {"name": "clt-profiles", "namespace": "clt-system"}, "data": data}


# The ConfigMap


def test_profiles_are_read_from_their_config_map():
    api = Fake(config_map({"profiles.yaml": "stores: {a: {uri: 's3://b/p'}}\n"}))
    assert load_profiles(api, "clt-system").stores == {"a": StoreProfile(uri="s3://b/p")}


def test_a_missing_config_map_says_where_it_belongs():
    with pytest.raises(NoProfiles, match="no ConfigMap clt-profiles in namespace clt-system"):
        load_profiles(Fake(), "clt-system")


@pytest.mark.parametrize("data", [None, {}, {"profiles.yml": ""}])
def test_a_missing_key_is_named(data):
    with pytest.raises(SpecError, match=r"clt-system/clt-profiles: profiles\.yaml: the key is"):
        load_profiles(Fake(config_map(data)), "clt-system")


def test_a_mistake_names_the_config_map_the_line_and_the_field():
    api = Fake(config_map({"profiles.yaml": "stores:\n  a:\n    url: x\n"}))
    with pytest.raises(SpecError) as caught:
        load_profiles(api, "clt-system")
    place = "ConfigMap clt-system/clt-profiles profiles.yaml"
    assert f"{place}:3: stores.a.url: unknown field" in str(caught.value)


# Credentials


def mounted(directory, credentials):
    """A Secret as the kubelet writes it: files are links into the generation that is current."""
    place = directory / "main"
    place.mkdir(exist_ok=True)
    generation = place / f"..{len(list(place.iterdir()))}"
    generation.mkdir()
    for name, value in credentials.items():
        (generation / name).write_text(value)
        if not (place / name).is_symlink():
            (place / name).symlink_to(f"..data/{name}")
    link = place / "..new"
    link.symlink_to(generation.name)
    link.replace(place / "..data")


def test_credentials_are_files_and_stand_beside_the_profiles_variables(tmp_path):
    mounted(tmp_path, {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key\n"})
    assert store_environment("main", PROFILE, tmp_path) == {
        "AWS_REGION": "eu-1",
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "key",
    }


def test_a_changed_secret_is_seen(tmp_path):
    mounted(tmp_path, {"AWS_ACCESS_KEY_ID": "old", "AWS_SECRET_ACCESS_KEY": "old"})
    mounted(tmp_path, {"AWS_ACCESS_KEY_ID": "new", "AWS_SECRET_ACCESS_KEY": "new"})
    found = store_environment("main", PROFILE, tmp_path)
    assert (found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"]) == ("new", "new")


def test_plain_files_do_as_well(tmp_path):
    (tmp_path / "main").mkdir()
    (tmp_path / "main/AWS_ACCESS_KEY_ID").write_text("id")
    (tmp_path / "main/not-a-variable").write_text("x")
    assert store_environment("main", PROFILE, tmp_path)["AWS_ACCESS_KEY_ID"] == "id"
    assert "not-a-variable" not in store_environment("main", PROFILE, tmp_path)


def test_a_store_without_a_directory_has_no_credentials_of_its_own(tmp_path):
    mounted(tmp_path, {"AWS_ACCESS_KEY_ID": "id"})
    assert store_environment("other", PROFILE, tmp_path) == {"AWS_REGION": "eu-1"}
    assert store_environment("main", PROFILE) == {"AWS_REGION": "eu-1"}


@pytest.mark.parametrize("content", [b"", b"two\nlines", b"\xff\xfe", b"x" * 70_000])
def test_what_is_no_credential_is_refused_without_showing_it(tmp_path, content):
    (tmp_path / "main").mkdir()
    (tmp_path / "main/AWS_SECRET_ACCESS_KEY").write_bytes(content)
    with pytest.raises(StoreError, match="must be one line of text") as caught:
        store_environment("main", PROFILE, tmp_path)
    assert "lines" not in str(caught.value).replace("one line", "")
