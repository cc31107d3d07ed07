"""Houses, land, machinery, supply of electricity and water."""

from __future__ import annotations

from yici.platform.data.generating.recipes.base import (
    COUNTY,
    COUNTY_CODE,
    Recipe,
    after,
    chosen,
    day_in,
    numbered,
    weighted,
    whole,
)

_SIGNED = "CAST(registered - 120 AS DATE)"
_KINDS = weighted("machine", _1=0.3, _2=0.35, _3=0.2, _4=0.05, _5=0.1)

RECIPES = {
    "public_security.vehicle": Recipe("vehicle", "", {"declared_price": "price"}),
    "land.house_right": Recipe(
        "house_right", "", {"share": "CASE WHEN partner_id IS NOT NULL AND h % 40 = 0 THEN '50%' END", "right_state": weighted("right", _1=0.95, _2=0.03, _4=0.02)},
    ),
    "housing.sale_contract": Recipe(
        "house", "is_flat AND u('sold') < 0.6",
        {
            "contract_number": numbered("YS"), "project": "regexp_extract(address, '(社区|村)(.{2,6}?)[0-9]', 2)", "seller_name": "'亳州' || " + chosen("seller", "建投", "恒润", "金地", "华安") + " || '置业有限公司'",
            "buyer_name": "owner_name", "buyer_id_number": "owner_id", "price": "price", "is_existing": "u('second hand') < 0.25",
            "signed_date": _SIGNED, "filed_date": after(_SIGNED, "filed", 1, 20), "state": weighted("contract", _2=0.7, _1=0.28, _3=0.02),
        },
    ),
    "agriculture.contract_right": Recipe(
        "villager", "", {
            "contract_number": "left(village_code, 12) || lpad(CAST(household % 1000000 AS VARCHAR), 6, '0') || 'J'", "parcel_number": "left(village_code, 12) || lpad(CAST(n % 10000000 AS VARCHAR), 7, '0')",
            "parcel_name": chosen("parcel", "村东地", "南湖地", "河湾地", "北坡地", "老坟地", "西洼地"), "area": "round(0.4 + u('parcel area') * 3.4, 2)",
            "contract_area": "round(2 + u('contract area') * 9, 2)", "use": "'01'", "contract_from": "DATE '1998-10-01'", "contract_until": "DATE '2028-09-30'",
            "issuer": f"{COUNTY} || '村民委员会'", "members": "greatest(size, 1)", "is_basic_farmland": "u('basic') < 0.86",
            "contractor_name": "head_name", "contractor_id_number": "head_id",
        },
        "SELECT h.* EXCLUDE (n), h.household * 4 + k AS n FROM villager h CROSS JOIN range(0, 4) AS r(k)"
        " WHERE k < 2 + hash(h.household) % 3 AND hash(h.household + 77) % 100 < 93",
    ),
    "agriculture.machinery": Recipe(
        "villager", "u('machine owner') < 0.13",
        {
            "plate_number": "'皖12-' || lpad(CAST(n % 10000000 AS VARCHAR), 7, '0')", "kind": _KINDS, "brand": chosen("brand", "东方红", "雷沃", "时风", "常发", "约翰迪尔"),
            "engine_number": numbered("E"), "frame_number": numbered("LJ"), "power": whole("power", 15, 160), "owner_name": "head_name", "owner_id_number": "head_id",
            "registered_date": day_in("registered", "2010-01-01", 5700), "inspection_valid_until": day_in("inspected", "2026-06-01", 700), "price": whole("price", 8, 200) + " * 100000",
            "subsidy_amount": whole("price", 8, 200) + " * 30000", "state": weighted("machine state", _1=0.9, _2=0.07, _4=0.03),
        },
    ),
    "electricity.customer": Recipe(
        "household", "", {
            "customer_number": numbered("34", width=8), "customer_name": "head_name", "id_number": "head_id", "address": "address", "tariff": "'1'",
            "meter_number": numbered("DB"), "capacity": chosen("capacity", "6", "8", "10") + "::INTEGER", "voltage": "'220V'", "last_use": whole("use", 20, 480),
            "arrears": "CASE WHEN u('owes') < 0.04 THEN " + whole("owed", 20, 400) + " * 100 ELSE 0 END", "opened_date": "settled", "state": weighted("supply", _1=0.97, _2=0.03), "phone": "head_phone",
        },
    ),
    "water_supply.customer": Recipe(
        "household", "is_urban", {
            "customer_number": numbered("S", width=8), "customer_name": "head_name", "id_number": "head_id", "address": "address", "tariff": "'1'",
            "meter_number": numbered("SB"), "caliber": chosen("caliber", "15", "20", "25") + "::INTEGER", "last_use": whole("use", 2, 40),
            "arrears": "CASE WHEN u('owes') < 0.05 THEN " + whole("owed", 10, 200) + " * 100 ELSE 0 END", "opened_date": "settled", "state": weighted("supply", _1=0.97, _2=0.03), "phone": "head_phone",
        },
    ),
    "agriculture.animal_farm": Recipe(
        "villager", "u('farm') < 0.007",
        {
            "farm_code": f"{COUNTY_CODE} || lpad(CAST(n AS VARCHAR), 9, '0')", "farm_name": "head_name || '养殖场'", "address": "address", "operator_name": "head_name",
            "operator_id_number": "head_id", "operator_phone": "head_phone", "premises_kind": "'1'", "animal_kind": chosen("animal", "1", "1", "2", "3", "4", "5", "6"),
            "stock": whole("stock", 50, 9000), "output": whole("output", 100, 20000), "area": whole("farm area", 300, 20000), "certificate_number": numbered("DF"),
            "has_disposal": "u('disposal') < 0.85", "inspected_date": day_in("inspected", "2025-06-01", 500), "result": weighted("result", _1=0.93, _2=0.07),
        },
    ),
}  # fmt: skip
