"""What is known of the countries of a recipe: names, markets of certificates, registrations."""

from collections.abc import Iterable

import pandas as pd

from planner.opendata.anywhere.knowledge import Knowledge
from planner.opendata.region import is_member, name_countries


def find_countries(known: Knowledge, codes: Iterable[str]) -> pd.DataFrame:
    """Describe the countries of the cities.

    Parameters
    ----------
    known : Knowledge
        Its table ``countries`` says ``bev_sales_frac``, the share of battery cars in new
        registrations, and may say name and market.
    codes : iterable of str
        ISO 3166 alpha-2 codes, also repeatedly.

    Returns
    -------
    DataFrame
        By ``code``: ``name_en``; ``market``, EU for its members and the code elsewhere;
        ``bev_sales_frac``, empty where it is not known; ``source`` of it.
    """
    names = name_countries(sorted(set(codes)))
    said = known.table("countries").set_index("code").reindex(list(names))
    market = pd.Series({code: "EU" if is_member(code, "EU") else code for code in names})
    name = pd.Series(names)
    return pd.DataFrame(
        {
            "name_en": said["name_en"].fillna(name) if "name_en" in said else name,
            "market": said["market"].fillna(market) if "market" in said else market,
            "bev_sales_frac": pd.to_numeric(said["bev_sales_frac"]),
            "source": said["source"].fillna(""),
        }
    ).rename_axis("code")
