"""Companies, taxes, licences, penalties, permits."""

from __future__ import annotations

from yici.platform.data.generating.recipes.base import (
    COUNTY,
    LICENCE,
    Recipe,
    after,
    chosen,
    day_in,
    numbered,
    weighted,
    whole,
)

_AUTHORITY = f"{COUNTY} || '市场监督管理局'"
_STATE = (
    "CASE WHEN u('state') < 0.88 THEN '1' WHEN u('state') < 0.93 THEN '3' WHEN u('state') < 0.97 THEN '5' ELSE '2' END"
)
_OFFICE = f"'国家税务局' || {COUNTY} || '分局'"
_INSPECTED = day_in("inspected", "2024-01-01", 1000)
_DECIDED = day_in("decided", "2022-01-01", 1700)

RECIPES = {
    "market_supervision.company": Recipe(
        "business", "is_company",
        {"registration_number": "'3416' || lpad(CAST(n AS VARCHAR), 11, '0')", "authority": _AUTHORITY, "approved_date": f"least({after('founded', 'approved', 0, 2000)}, :taken - 1)",
         "state": _STATE},
    ),
    "market_supervision.individual_business": Recipe(
        "business", "NOT is_company",
        {"operator_form": weighted("form", _1=0.8, _2=0.2), "authority": _AUTHORITY, "state": _STATE, "operating_fund": whole("fund", 1, 30) + " * 1000000",
         "employee_count": whole("staff", 1, 6)},
    ),
    "market_supervision.penalty": Recipe(
        "business", "u('penalised') < 0.12",
        {
            "document_number": "'亳市监罚字〔' || year(" + _DECIDED + ") || '〕' || n || '号'", "party_name": "name", "party_uscc": "uscc", "representative": "owner_name",
            "facts": chosen("facts", "未按规定公示年度报告", "销售超过保质期的食品", "无照经营", "虚假宣传", "未明码标价"), "basis": chosen("basis", "《食品安全法》第一百二十四条", "《广告法》第五十五条", "《企业信息公示暂行条例》第十七条"),
            "kind": weighted("penalty", _2=0.75, _1=0.2, _3=0.05), "content": "CASE WHEN u('penalty') < 0.75 THEN '罚款' ELSE '警告' END", "fine": "CASE WHEN u('penalty') < 0.75 THEN " + whole("fine", 5, 300) + " * 10000 END",
            "decided_date": _DECIDED, "published_until": f"CAST({_DECIDED} + 1095 AS DATE)", "authority": _AUTHORITY,
        },
    ),
    "taxation.taxpayer": Recipe(
        "business", "u('taxed') < 0.75",
        {"taxpayer_number": "uscc", "uscc": "uscc", "representative": "owner_name", "representative_id_number": "owner_id", "tax_office": _OFFICE,
         "registered_date": f"least({after('founded', 'tax registered', 0, 30)}, :taken - 1)", "state": _STATE},
    ),
    "taxation.invoice_summary": Recipe(
        "business", "", {
            "taxpayer_number": "uscc", "month": "strftime(month, '%Y-%m')", "issued_count": whole("issued", 1, 80), "issued_amount": "turnover",
            "issued_tax": "turnover * 3 // 100", "received_count": whole("received", 0, 60), "received_amount": "turnover * 7 // 10", "received_tax": "turnover * 2 // 100",
            "void_count": whole("void", 0, 3), "red_count": "CASE WHEN u('red') < 0.05 THEN 1 ELSE 0 END",
        },
        "SELECT b.* EXCLUDE (n), b.n * 16 + m.k AS n, m.month, (2000 + hash(b.n + m.k) % 300000) * 100 AS turnover FROM business b CROSS JOIN"
        " (SELECT k, CAST(DATE '2025-11-01' + to_months(CAST(k AS INTEGER)) AS DATE) AS month FROM range(0, 12) AS r(k)) m WHERE u('taxed') < 0.75 AND b.is_company",
    ),
    "local_tax.tax_payment": Recipe(
        "business", "", {
            "bill_number": numbered("334160", width=14), "taxpayer_number": "uscc", "tax_kind": "tax_kind", "period_from": "month", "period_until": "last_day(month)",
            "base": "turnover", "due": "turnover * 3 // 100", "paid": "turnover * 3 // 100", "paid_date": "CAST(last_day(month) + 12 AS DATE)", "tax_office": f"{COUNTY} || '地方税务局'",
        },
        "SELECT b.* EXCLUDE (n), b.n * 64 + m.k * 4 + t.t AS n, m.month, t.tax_kind, (1000 + hash(b.n + m.k + t.t) % 100000) * 100 AS turnover FROM business b CROSS JOIN"
        " (SELECT k, CAST(DATE '2025-10-01' + to_months(CAST(k AS INTEGER)) AS DATE) AS month FROM range(0, 12) AS r(k)) m"
        " CROSS JOIN (VALUES (0, '01'), (1, '04'), (2, '05'), (3, '09')) AS t(t, tax_kind)"
        " WHERE hash(b.n * 4 + t.t) % 100 < CASE WHEN b.is_company THEN 60 ELSE 8 END",
    ),
    "food_drug.food_licence": Recipe(
        "business", "industry IN ('H', 'F') AND u('food') < 0.55",
        {
            **LICENCE, "licence_number": "'JY' || lpad(CAST(n AS VARCHAR), 14, '13416000000000')", "representative": "owner_name", "representative_id_number": "owner_id",
            "business_kind": "CASE WHEN industry = 'H' THEN '2' ELSE '1' END", "items": "CASE WHEN industry = 'H' THEN '6' ELSE '1' END", "kitchen_area": "CASE WHEN industry = 'H' THEN " + whole("kitchen", 8, 200) + " END",
            "safety_officer": "owner_name", "issuer": f"{COUNTY} || '食品药品监督管理局'", "valid_until": LICENCE["valid_until"],
        },
    ),
    "road_transport.operation_licence": Recipe(
        "business", "industry = 'G'",
        {**LICENCE, "licence_number": "'皖交运管许可亳字' || lpad(CAST(n AS VARCHAR), 9, '0') || '号'", "representative": "owner_name", "scope": chosen("scope", "道路普通货物运输", "货物专用运输（集装箱）", "道路旅客运输"),
         "vehicles": whole("vehicles", 1, 60), "issuer": f"{COUNTY} || '道路运输管理所'", "rating": chosen("rating", "1", "2", "3", "9")},
    ),
    "environment.pollutant_permit": Recipe(
        "business", "is_company AND industry IN ('C', 'E') AND u('pollutes') < 0.06",
        {**LICENCE, "permit_number": "uscc || '001V'", "longitude": "round(115.8 + u('longitude') * 1.1, 6)", "latitude": "round(32.9 + u('latitude') * 1.1, 6)",
         "pollutants": chosen("pollutants", "化学需氧量,氨氮", "二氧化硫,氮氧化物,颗粒物", "挥发性有机物"), "cod_limit": "round(u('cod') * 50, 2)", "so2_limit": "round(u('so2') * 30, 2)",
         "issuer": "'亳州市环境保护局'"},
    ),
    "fire.inspection": Recipe(
        "business", "is_company AND u('inspected') < 0.4",
        {
            "record_number": numbered("XFJC", width=12), "kind": chosen("place", "1", "2", "3", "4"), "responsible": "owner_name", "phone": "owner_phone", "inspected_date": _INSPECTED,
            "hazards": "CASE WHEN u('result') < 0.7 THEN 0 ELSE " + whole("hazards", 1, 8) + " END", "result": weighted("result", _1=0.7, _2=0.25, _3=0.05),
            "due_date": f"CASE WHEN u('result') >= 0.7 THEN CAST({_INSPECTED} + 30 AS DATE) END", "reinspected_date": f"CASE WHEN u('result') >= 0.7 AND u('again') < 0.8 THEN CAST({_INSPECTED} + 33 AS DATE) END",
            "inspector": chosen("inspector", "王磊、张强", "李军、刘洋", "陈刚、赵勇"),
        },
    ),
    "health.medical_institution": Recipe(
        "place", "", {
            "licence_number": numbered("PDY", "340000000 + n", 12), "name": "name", "uscc": "CAST(NULL AS VARCHAR)", "kind": "kind", "level": "CASE WHEN kind = '1' THEN '22' ELSE '90' END",
            "legal_representative": chosen("head", "李建民", "王秀芳", "张志远", "刘德华", "陈玉梅"), "address": "place || '1号'", "division": "village_code",
            "departments": chosen("departments", "内科,外科,妇产科,儿科", "全科医疗科", "内科,中医科"), "beds": "CASE WHEN kind = '1' THEN " + whole("beds", 100, 900) + " ELSE " + whole("few beds", 0, 40) + " END",
            "issuer": f"{COUNTY} || '卫生和计划生育委员会'", **LICENCE,
        },
        "SELECT *, replace(place, '安徽省亳州市', '') || CASE WHEN hash(v) % 60 = 0 THEN '医院' ELSE '卫生室' END AS name,"
        " CASE WHEN hash(v) % 60 = 0 THEN '1' ELSE '9' END AS kind FROM place",
    ),
}  # fmt: skip
