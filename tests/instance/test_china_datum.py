"""GCJ-02 and BD-09 against published points, and there and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.geodesy import great_circle_km
from planner.instance.china_datum import from_bd09, from_gcj02, shift_to_bd09, shift_to_gcj02

# github.com/googollee/eviltransform (MIT), python/test.py: WGS84 and GCJ-02 of Shanghai,
# Shenzhen, Beijing. Its two BD-09 points are not taken: its own formula misses them by 10-40 m.
EVILTRANSFORM = [
    ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
    ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
    ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
]
# github.com/hujiulong/gcoord (MIT), test/fixtures/china-cities.json: WGS84, GCJ-02, BD-09.
GCOORD = {
    "Zhumadian": ((114.0164322, 33.0133556), (114.022306, 33.0115324), (114.0287781, 33.0176697)),
    "Nagqu": ((92.0499619, 31.4784436), (92.0512438, 31.4762063), (92.0576832, 31.4824421)),
    "Liangshan": ((102.2658401, 27.8850446), (102.2673386, 27.8816151), (102.2738428, 27.8876621)),
    "Liaoyang": ((123.2312099, 41.2651725), (123.2369518, 41.2672464), (123.2433178, 41.2736074)),
    "Shenyang": ((123.4253306, 41.8032629), (123.4314787, 41.8057023), (123.438095, 41.8114013)),
    "Shantou": ((116.6775114, 23.3567569), (116.6819735, 23.3540964), (116.6885014, 23.3598884)),
    "Xilingol": ((116.0414035, 43.9312805), (116.0482308, 43.9334573), (116.0546232, 43.9397782)),
    "Quanzhou": ((118.6711365, 24.8770487), (118.6756787, 24.8741363), (118.6821251, 24.8804872)),
    "Jiuquan": ((98.4937175, 39.7319946), (98.4943595, 39.7328234), (98.5008441, 39.7388949)),
    "Qinzhou": ((108.6503952, 21.9828281), (108.6541485, 21.9799392), (108.6607283, 21.9856319)),
}
# The same repository, test/unit/crs/GCJ02.spec.ts and BD09.spec.ts: (123, 45) to WGS84.
GCOORD_INVERSE = [
    (from_gcj02, (122.99395597, 44.99804071)),
    (from_bd09, (122.98762210, 44.99171540)),
]


def _metres(point, other) -> float:
    return 1000 * float(great_circle_km(*point, *other))


@pytest.mark.parametrize(("wgs84", "gcj02"), EVILTRANSFORM)
def test_eviltransform_points(wgs84, gcj02):
    assert _metres(from_gcj02(*gcj02), wgs84) < 0.01
    assert _metres(shift_to_gcj02(*wgs84), gcj02) < 0.01


@pytest.mark.parametrize(("wgs84", "gcj02", "bd09"), GCOORD.values(), ids=GCOORD)
def test_gcoord_points(wgs84, gcj02, bd09):
    assert _metres(from_gcj02(*gcj02), wgs84) < 2
    assert _metres(from_bd09(*bd09), wgs84) < 2
    assert 50 < _metres(gcj02, wgs84) < 1000 < _metres(bd09, wgs84) + 500


@pytest.mark.parametrize(("convert", "wgs84"), GCOORD_INVERSE)
def test_gcoord_inverse(convert, wgs84):
    assert _metres(convert(123.0, 45.0), wgs84) < 2


@pytest.mark.parametrize(
    ("shift", "back"), [(shift_to_gcj02, from_gcj02), (shift_to_bd09, from_bd09)]
)
@given(lon=st.floats(73.5, 135.1), lat=st.floats(3.8, 53.6))
def test_there_and_back(shift, back, lon, lat):
    assert back(*shift(lon, lat)) == (pytest.approx(lon, abs=1e-9), pytest.approx(lat, abs=1e-9))


@pytest.mark.parametrize("convert", [shift_to_gcj02, shift_to_bd09, from_gcj02, from_bd09])
def test_points_outside_china_stay(convert):
    lon, lat = [-0.1278, 139.6917, 151.2093, -122.4194], [51.5074, 35.6895, -33.8688, 37.7749]
    got_lon, got_lat = convert(lon, lat)
    np.testing.assert_array_equal(got_lon, lon)
    np.testing.assert_array_equal(got_lat, lat)
