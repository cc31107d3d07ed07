"""Assistance: minimum allowance, poverty relief, disability, seniors, veterans, relief, rental homes."""

from __future__ import annotations

from yici.platform.data.generating.recipes.base import (
    PAYMENT,
    STARTED,
    Recipe,
    after,
    chosen,
    day_in,
    numbered,
    weighted,
    whole,
)

_HEALTH = "CASE WHEN disability > 0 THEN '5' WHEN u('health') < 0.2 THEN '3' WHEN u('health') < 0.28 THEN '4' WHEN age > 60 THEN '2' ELSE '1' END"
_LABOUR = "CASE WHEN age < 16 OR age > 75 THEN '4' WHEN disability > 0 AND disability_level <= 2 THEN '3' WHEN u('health') < 0.28 THEN '2' ELSE '1' END"
_GUARDIAN = (
    "CASE WHEN age < 18 OR disability IN (5, 6) THEN left(name, 1) || "
    + chosen("guardian", "建华", "秀兰", "志刚", "桂英")
    + " END"
)
_GUARDIAN_PHONE = (
    "CASE WHEN age < 18 OR disability IN (5, 6) THEN '138' || lpad(CAST("
    + whole("guardian phone", 0, 10**8)
    + " AS VARCHAR), 8, '0') END"
)
_ASSESSED = "CAST(greatest(" + day_in("assessed", "2010-01-01", 5800) + ", birth + 400) AS DATE)"
_POOR_SINCE = day_in("poor since", "2014-01-01", 1500)
_EXITED = "u('exited') < 0.62"
_APPLIED = day_in("applied", "2021-01-01", 2080)
_LENT = day_in("lent", "2019-01-01", 2600)

RECIPES = {
    "civil_affairs.minimum_allowance": Recipe(
        "household", "allowance AND {listed}",
        {
            **PAYMENT, "kind": "CASE WHEN is_urban THEN '1' ELSE '2' END",
            "persons_covered": "greatest(1, size - CAST(floor(u('covered') * 2) AS BIGINT))",
            "monthly_amount": "(CASE WHEN is_urban THEN 52000 ELSE 38000 END) * greatest(1, size - CAST(floor(u('covered') * 2) AS BIGINT))",
            "cause": "(['1','2','3','4','5','6','7','9'])[1 + CAST(floor(u('cause') * 8) AS INTEGER)]",
        },
    ),
    "civil_affairs.minimum_allowance_member": Recipe(
        "member", "allowance AND {listed}",
        {
            "is_covered": "u('covered') < 0.88", "health_state": _HEALTH, "labour_ability": _LABOUR,
            "monthly_income": "wage // 4 // 100 * 100", "added_date": f"CAST(greatest({STARTED}, birth + 10) AS DATE)",
            "removed_date": "CASE WHEN u('covered') >= 0.94 THEN " + after(f"CAST(greatest({STARTED}, birth + 10) AS DATE)", "removed", 10, 100) + " END",
        },
    ),
    "civil_affairs.extreme_poverty_support": Recipe(
        "person", "extreme AND {listed}",
        {
            **PAYMENT, "certificate_number": numbered("TK"), "support_kind": "CASE WHEN u('support') < 0.3 THEN '1' ELSE '2' END",
            "institution": "CASE WHEN u('support') < 0.3 THEN '亳州市' || " + chosen("home", "第一", "第二", "中心", "城东") + " || '敬老院' END",
            "care_level": weighted("care", _1=0.6, _2=0.28, _3=0.12), "monthly_amount": whole("support amount", 700, 900) + " * 100",
            "care_amount": chosen("care amount", "8000", "16000", "32000") + "::BIGINT",
            "guardian_name": "left(name, 1) || " + chosen("guardian", "建华", "秀兰", "志刚", "桂英"),
        },
    ),
    "civil_affairs.senior_allowance": Recipe(
        "person", "age >= 80 AND u('allowance') < 0.95 AND {listed}",
        {
            **PAYMENT, "start_date": "CAST(birth + 29220 + 20 AS DATE)",
            "end_date": "CASE WHEN u('payment state') >= 0.95 THEN CAST(birth + 29220 + 60 AS DATE) END",
            "age_band": "CASE WHEN age >= 100 THEN '3' WHEN age >= 90 THEN '2' ELSE '1' END",
            "monthly_amount": "CASE WHEN age >= 100 THEN 50000 WHEN age >= 90 THEN 10000 ELSE 5000 END",
            "elder_card_number": numbered("LN"), "alive_checked_date": day_in("alive checked", "2026-01-01", 300),
        },
    ),
    "civil_affairs.temporary_relief": Recipe(
        "member", "",
        {
            "approval_number": numbered("LS2026", width=12), "cause": chosen("cause", "1", "1", "2", "3", "4", "6", "7"), "persons": "least(size, 6)",
            "manner": weighted("manner", _1=0.85, _2=0.12, _3=0.03), "amount": whole("relief amount", 3, 80) + " * 10000",
            "applied_date": _APPLIED, "approved_date": after(_APPLIED, "approved", 3, 20), "paid_date": after(_APPLIED, "paid", 22, 40),
            "approver": "township",
        },
        "SELECT m.*, p.township || '人民政府' AS township FROM member m JOIN place p ON p.village_code = m.village_code"
        " WHERE hash(m.n * 7) % 1000 < 40 AND m.age >= 18 AND NOT m.is_dead",
    ),
    "civil_affairs.veteran": Recipe(
        "person", "sex = '1' AND age >= 24 AND u('army') < 0.05 AND {listed}",
        {
            "kind": weighted("special care", _9=0.6, _7=0.15, _6=0.12, _1=0.06, _5=0.04, _8=0.03),
            "enlisted_date": "CAST(birth + 6700 AS DATE)", "discharged_date": "CAST(birth + 6700 + 730 AS DATE)",
            "discharge_number": numbered("TY"),
            "disability_level": "CASE WHEN " + weighted("special care", _9=0.6, _7=0.15, _6=0.12, _1=0.06, _5=0.04, _8=0.03) + " = '1' THEN " + chosen("level", "七级", "八级", "九级", "十级") + " END",
            "monthly_amount": whole("special amount", 5, 30) + " * 5000", "state": weighted("payment", _1=0.97, _2=0.03),
        },
    ),
    "poverty_relief.household": Recipe(
        "household", "poor AND {listed}",
        {
            "registered_date": _POOR_SINCE, "exit_date": f"CASE WHEN {_EXITED} THEN {after(_POOR_SINCE, 'exit', 400, 1800)} END",
            "danger_level": weighted("danger", A=0.7, B=0.2, C=0.07, D=0.03), "size": "greatest(size, 1)",
            "helper_name": chosen("helper", "李明", "王芳", "张强", "刘洋", "陈静", "赵磊"),
            "helper_phone": "'139' || lpad(CAST(" + whole("helper phone", 0, 10**8) + " AS VARCHAR), 8, '0')",
        },
    ),
    "poverty_relief.member": Recipe(
        "member", "poor AND {listed}",
        {
            "health_state": _HEALTH, "labour_ability": _LABOUR,
            "chronic_disease": "CASE WHEN u('health') < 0.2 THEN " + chosen("disease", "1", "2", "3", "4", "5", "9") + " END",
            "is_migrant": "work = 2", "insurance_state": "CASE WHEN medical IS NULL THEN '4' ELSE '1' END",
            "is_exited": "hash(household) % 100 < 62",
        },
    ),
    "poverty_relief.microloan": Recipe(
        "household", "poor AND u('loan') < 0.4",
        {
            "contract_number": numbered("JNYD"), "borrower_name": "head_name", "borrower_id_number": "head_id",
            "bank_name": "'314'", "amount": whole("amount", 5, 51) + " * 100000", "rate": "4.35",
            "purpose": chosen("purpose", "1", "2", "3", "4", "5", "6"), "lent_date": _LENT, "due_date": f"CAST({_LENT} + 1095 AS DATE)",
            "balance": "(" + whole("amount", 5, 51) + " * 100000) // 2", "interest_subsidy": whole("interest", 100, 2000) + " * 100",
            "state": f"CASE WHEN {_LENT} + 1095 < :taken THEN '4' WHEN u('loan state') < 0.96 THEN '1' ELSE '2' END",
        },
    ),
    "disabled_federation.certificate": Recipe(
        "person", "disability > 0 AND {listed}",
        {
            "cause": chosen("cause", "1", "2", "2", "4", "6", "9"), "assessed_date": _ASSESSED, "hospital": "'亳州市人民医院'",
            "issued_date": f"CAST({_ASSESSED} + 20 AS DATE)", "valid_until": f"CAST({_ASSESSED} + 20 + 3652 AS DATE)",
            "guardian_name": _GUARDIAN, "guardian_phone": _GUARDIAN_PHONE, "state": weighted("certificate", _1=0.95, _5=0.03, _3=0.02),
        },
    ),
    "disabled_federation.subsidy": Recipe(
        "person", "disability > 0 AND (allowance OR disability_level <= 2) AND {listed}",
        {**PAYMENT, "kind": "CASE WHEN disability_level <= 2 THEN '3' ELSE '2' END", "monthly_amount": chosen("amount", "7500", "6600", "8000") + "::BIGINT",
         "last_paid_date": "DATE '2026-10-15'"},
    ),
    "housing.public_rental": Recipe(
        "household", "is_urban AND u('rental') < 0.06",
        {
            "application_number": numbered("GZ"), "name": "head_name", "id_number": "head_id", "size": "greatest(size, 1)",
            "manner": weighted("manner", _1=0.55, _2=0.4, _3=0.05), "address": "CASE WHEN u('manner') < 0.55 THEN address END",
            "floor_area": whole("rental area", 40, 60), "monthly_rent": whole("rent", 100, 400) + " * 100",
            "monthly_subsidy": "CASE WHEN u('manner') >= 0.55 THEN " + whole("subsidy", 100, 300) + " * 100 END",
            "lease_from": STARTED, "lease_until": f"CAST({STARTED} + 1095 AS DATE)", "state": weighted("rental state", _2=0.8, _1=0.12, _3=0.08),
        },
    ),
    "finance.farm_subsidy": Recipe(
        "villager", "", {
            "payment_number": "'HN' || year || kind || lpad(CAST(household AS VARCHAR), 10, '0')", "kind": "kind", "year": "year",
            "area": "area", "rate": "rate", "amount": "CAST(round(area * rate) AS BIGINT)", "paid_date": "paid", "bank_name": "'314'",
        },
        "SELECT h.* EXCLUDE (n), h.household * 16 + y.k AS n, CAST(y.year AS INTEGER) AS year, y.kind, y.rate,"
        " round(1.5 + hash(h.household) % 120 / 10.0, 2) AS area, make_date(CAST(y.year AS INTEGER), 5, 1) + CAST(hash(h.household + y.k) % 150 AS INTEGER) AS paid"
        " FROM villager h JOIN (SELECT row_number() OVER () AS k, * FROM (VALUES (2022, '10', 8400), (2023, '10', 8500), (2024, '10', 8600),"
        " (2025, '10', 8700), (2026, '10', 8800), (2025, '11', 3000), (2026, '12', 2600)) AS t(year, kind, rate)) y"
        " ON y.kind = '10' OR hash(h.household + y.k) % 100 < 4",
    ),
}  # fmt: skip
