"""Courts, petitions, treatment paid by medical insurance."""

from __future__ import annotations

from yici.platform.data.generating.recipes.base import COUNTY, Recipe, after, chosen, day_in, numbered, weighted, whole

_FILED = day_in("filed", "2020-01-01", 2300)
_COURT = f"{COUNTY} || '人民法院'"
_CASE = f"'（' || year({_FILED}) || '）皖16' || lpad(CAST(county AS VARCHAR), 2, '0') || '执' || n || '号'"
_ADMITTED = day_in("admitted", "2025-01-01", 640)
_COST = (
    "(CASE WHEN u('visit') < 0.16 THEN 30000 + 400000 * u('cost') * u('cost') * 6 ELSE 3000 + 30000 * u('cost') END)"
)
_CENTS = f"CAST(floor({_COST}) AS BIGINT)"
_REGISTERED = day_in("petitioned", "2023-01-01", 1300)

RECIPES = {
    "court.enforcement_case": Recipe(
        "person", "age BETWEEN 20 AND 75 AND u('debtor') < 0.026",
        {
            "case_number": _CASE, "court": _COURT, "applicant": chosen("applicant", "安徽亳州药都农商行", "中国农业银行亳州分行", "王建军", "亳州市建投公司", "李秀英"),
            "debtor_name": "name", "debtor_code": "id_number", "cause": chosen("cause", "金融借款合同纠纷", "民间借贷纠纷", "买卖合同纠纷", "机动车交通事故责任纠纷"),
            "amount": whole("amount", 50, 9000) + " * 10000", "recovered": whole("amount", 50, 9000) + " * " + whole("share", 0, 100) + " * 100", "filed_date": _FILED,
            "closed_date": "CASE WHEN u('closed') < 0.7 THEN " + after(_FILED, "closing", 30, 180) + " END", "closing": "CASE WHEN u('closed') < 0.7 THEN " + chosen("how", "1", "2", "3", "6") + " END",
            "judge": chosen("judge", "王法官", "李法官", "张法官"),
        },
    ),
    "court.dishonest_person": Recipe(
        "person", "",
        {
            "case_number": _CASE, "name": "name", "kind": "kind", "code": "code", "representative": "representative", "court": _COURT,
            "basis_number": f"'（' || year({_FILED}) || '）皖16民初' || n || '号'", "duty": "'偿还借款本金及利息'", "performance": weighted("performed", _1=0.7, _2=0.3), "conduct": chosen("conduct", "1", "3", "4", "5"),
            "filed_date": _FILED, "published_date": f"CAST({_FILED} + 60 AS DATE)", "withdrawn_date": f"CASE WHEN u('withdrawn') < 0.2 THEN CAST({_FILED} + 200 AS DATE) END",
        },
        "SELECT n, is_dead, changed_on, county, name, id_number AS code, '1' AS kind, CAST(NULL AS VARCHAR) AS representative FROM person"
        " WHERE age BETWEEN 20 AND 75 AND u('debtor') < 0.026 AND u('dishonest') < 0.27 UNION ALL SELECT n * 2 + 1000000001, is_dead,"
        " changed_on, county, name, uscc, '2', owner_name FROM business WHERE is_company AND u('dishonest') < 0.02",
    ),
    "medical_insurance.settlement": Recipe(
        "person", "", {
            "settlement_number": numbered("YB", width=14), "insurance_kind": "medical", "visit_kind": "CASE WHEN u('visit') < 0.16 THEN '2' WHEN u('visit') < 0.8 THEN '1' WHEN u('visit') < 0.9 THEN '3' ELSE '6' END",
            "hospital_name": "(['亳州市人民医院','涡阳县人民医院','蒙城县第一人民医院','利辛县人民医院'])[1 + CAST(county AS INTEGER)]", "hospital_code": "'H3416' || lpad(CAST(county AS VARCHAR), 4, '0')",
            "admission_date": _ADMITTED, "discharge_date": "CASE WHEN u('visit') < 0.16 THEN " + after(_ADMITTED, "stay", 2, 20) + " END",
            "diagnosis_code": "(['I10','E11.9','J06.9','K29.5','I63.9','M51.2'])[1 + CAST(floor(u('diagnosis') * 6) AS INTEGER)]",
            "diagnosis": "(['高血压','2型糖尿病','急性上呼吸道感染','慢性胃炎','脑梗死','腰椎间盘突出'])[1 + CAST(floor(u('diagnosis') * 6) AS INTEGER)]",
            "total_cost": _CENTS, "insured_cost": f"{_CENTS} * 9 // 10", "basic_paid": f"{_CENTS} * 6 // 10", "serious_paid": "0", "self_paid": f"{_CENTS} - {_CENTS} * 6 // 10",
            "settled_at": f"CAST({_ADMITTED} + 20 AS TIMESTAMP)",
        },
        "SELECT p.* EXCLUDE (n), p.n * 8 + k AS n FROM person p CROSS JOIN range(0, 6) AS r(k) WHERE p.medical IS NOT NULL AND NOT p.is_dead"
        " AND hash(p.n * 8 + k) % 1000 < 120 + p.age * 5",
    ),
    "petition.case": Recipe(
        "person", "age >= 18 AND u('petitions') < 0.02 AND NOT is_dead",
        {
            "petition_number": numbered("XF2026", width=12), "petitioner_name": "name",             "persons": "1", "content": chosen("content", "反映征地补偿款未到位", "反映拖欠工资", "反映道路损坏", "反映低保未批", "反映噪声扰民"), "body": f"{COUNTY} || '人民政府'", "registered_date": _REGISTERED,
            "due_date": f"CAST({_REGISTERED} + 60 AS DATE)", "answered_date": f"CASE WHEN u('answered') < 0.9 THEN {after(_REGISTERED, 'answer', 5, 60)} END", "is_repeated": "u('repeated') < 0.15",
                    },
    ),
}  # fmt: skip
