import hashlib

import pytest

from planner.errors import InputError
from planner.opendata.places import parse_places
from planner.opendata.sources import SourceFile, read_source


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "open_places_for_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('must not be imported')")
    (folder / "places.json").write_text("{}", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return folder.name


def _source(module, path="places.json", content=b"{}"):
    return SourceFile("open-places", "1.0", module, path, hashlib.sha256(content).hexdigest())


def test_reads_a_pinned_file_without_importing_its_package(package):
    assert read_source(_source(package)) == "{}"


def test_missing_package_names_the_extra():
    with pytest.raises(InputError, match=r"pip install 'planner\[opendata\]'"):
        read_source(_source("no_such_package_for_test"))


def test_missing_file_and_other_content_are_refused(package):
    with pytest.raises(InputError, match="not found"):
        read_source(_source(package, path="other.json"))
    with pytest.raises(InputError, match="another version"):
        read_source(_source(package, content=b"[]"))


def test_places_are_parsed_in_order_of_id():
    text = (
        '{"10": {"geonameid": 10, "longitude": 2.0, "latitude": 1.0, "population": 5,'
        ' "countrycode": "CN"}, "9": {"geonameid": 9, "longitude": 4.0, "latitude": 3.0,'
        ' "population": 0, "countrycode": "HK"}}'
    )
    places = parse_places(text)
    assert places.lon.tolist() == [4.0, 2.0]
    assert places.country_code.tolist() == ["HK", "CN"]
    assert places.where(places.residents > 0).lat.tolist() == [1.0]
