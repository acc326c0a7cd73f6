import hashlib
from importlib.resources import files

import numpy as np
import pytest

from planner.errors import InputError
from planner.opendata.region import bounds_of, find_region, is_member, name_countries


@pytest.mark.parametrize(
    ("name", "label", "countries"),
    [
        ("Chile", "Chile", "CL"),
        ("chl", "Chile", "CL"),
        ("152", "Chile", "CL"),
        ("cote d'ivoire", "Côte d'Ivoire", "CI"),
        ("Singapore", "Singapore", "SG"),
        ("Norway", "Norway", "NO"),
        ("Ireland", "Republic of Ireland", "IE"),
        ("035", "South-eastern Asia", "BN ID KH LA MM MY PH SG TH TL VN"),
        ("South-eastern Asia", "South-eastern Asia", "BN ID KH LA MM MY PH SG TH TL VN"),
    ],
)
def test_regions_are_found_by_name_and_code(name, label, countries):
    found = find_region(name)
    assert (found.name, " ".join(found.countries), found.part) == (label, countries, None)


def test_groups_hold_their_members_home_grounds_and_no_strangers_far_territories():
    union = find_region("EU").countries
    assert {"DE", "DK", "ES", "FR", "PL", "PT"} <= set(union)
    assert not {"NO", "GB", "CH", "GL", "US"} & set(union)
    latin = find_region("419").countries
    assert {"BR", "CL", "MX"} <= set(latin)
    assert not {"US", "NL", "FR", "GB"} & set(latin)
    assert is_member("DK", "EU")
    assert not is_member("NO", "EU")


def test_a_part_of_a_country_tells_points_apart():
    java = find_region("Java")
    lon, lat = np.array([106.8, 98.7, 106.8]), np.array([-6.2, 3.6, -6.2])
    assert java.holds(lon, lat, np.array(["ID", "ID", "MY"])).tolist() == [True, False, False]
    whole = find_region("Indonesia")
    assert whole.holds(lon, lat, np.array(["ID", "ID", "MY"])).tolist() == [True, True, False]
    west, south, east, north = bounds_of(java)[0]
    assert west < 106.8 < east
    assert south < -6.2 < north


def test_an_unknown_region_is_told_with_the_nearest_name():
    with pytest.raises(InputError, match="did you mean Chile"):
        find_region("Chili")


def test_countries_are_named_and_an_unknown_code_names_itself():
    assert name_countries(["DK", "CL", "QQ"]) == {"DK": "Denmark", "CL": "Chile", "QQ": "QQ"}


def test_the_vendored_files_are_those_of_the_checksums():
    folder = files("planner.opendata") / "vendor"
    listed = (folder / "country_coder.sha256").read_text(encoding="utf-8").split()
    for stated, name in zip(listed[::2], listed[1::2], strict=True):
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == stated
