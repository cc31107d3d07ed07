"""Work, wages, insurance, provident fund, school."""

from __future__ import annotations

from yici.platform.data.generating.recipes.base import Recipe, after, chosen, day_in, numbered, weighted, whole

_NET = {
    "gross": "wage", "social_deduction": "wage * 11 // 100", "tax_deduction": "greatest(0, (wage - 500000) * 3 // 100)",
    "net": "wage - wage * 11 // 100 - greatest(0, (wage - 500000) * 3 // 100)",
    "post": chosen("post", "职员", "科员", "工程师", "教师", "技术员", "主管", "操作工"),
}  # fmt: skip
_FIRST = "CAST(greatest(birth + 7305, " + day_in("first insured", "2000-01-01", 9000) + ") AS DATE)"
_OPENED = day_in("opened", "2008-01-01", 6500)
_BALANCE = "wage * 24 // 100 * " + whole("months saved", 3, 90)
_ADMITTED = "make_date(2026 - CAST(floor(u('grade') * 3) AS INTEGER), 9, 1)"
_GUARDIAN = "left(name, 1) || " + chosen("guardian", "建军", "秀英", "志强", "丽娟", "海涛", "红梅")
_GUARDIAN_PHONE = "'158' || lpad(CAST(" + whole("guardian phone", 0, 10**8) + " AS VARCHAR), 8, '0')"
_PENSION_START = "CAST(birth + 21915 + 20 AS DATE)"
_FIRST_LICENCE = (
    "CAST(birth + 6700 + CAST(floor(u('first licence') * 2900 * least(1, (age - 18.8) / 20)) AS INTEGER) AS DATE)"
)
_VALID_FROM = f"CAST(greatest({day_in('valid from', '2021-01-01', 2000)}, {_FIRST_LICENCE}) AS DATE)"
_COLLEGES = chosen(
    "college",
    "安徽大学",
    "安徽农业大学",
    "安徽师范大学",
    "安徽医科大学",
    "亳州学院",
    "阜阳师范大学",
    "亳州职业技术学院",
    "合肥工业大学",
)

RECIPES = {
    "human_resources.wage": Recipe(
        "job", "NOT is_dead", {
            **_NET, "month": "'2026-10'", "employer_uscc": "employer_uscc",
            "paid_by": "CASE WHEN is_public THEN '1' WHEN u('agency') < 0.08 THEN '3' ELSE '2' END",
        },
    ),
    "finance.unified_wage": Recipe(
        "job", "", {
            **_NET, "month": "strftime(month, '%Y-%m')", "employer_code": "'CZ' || right(employer_uscc, 9)",
            "staff_kind": weighted("staff", _3=0.7, _1=0.15, _2=0.05, _4=0.1),
        },
        "SELECT j.* EXCLUDE (n), j.n * 16 + m.k AS n, m.month FROM job j CROSS JOIN (SELECT k, CAST(DATE '2025-11-01' + to_months(CAST(k AS INTEGER)) AS DATE) AS month"
        " FROM range(0, 12) AS r(k)) m WHERE j.is_public AND NOT j.is_dead",
    ),
    "human_resources.social_insurance": Recipe(
        "job", "", {
            "kind": "kind", "state": "CASE WHEN age >= 60 THEN '3' WHEN u('insurance state') < 0.93 THEN '1' ELSE '2' END", "first_date": f"least({_FIRST}, :taken - 60)",
            "months_paid": "greatest(0, least(CAST((:taken - " + _FIRST + ") / 30.5 AS BIGINT), 480))", "base": "CASE WHEN base > 0 THEN base // 100 * 100 END",
            "paid_until": "'2026-' || " + chosen("paid until", "10", "10", "10", "09"), "employer": "employer", "employer_uscc": "employer_uscc",
        },
        "SELECT * EXCLUDE (n), n * 8 + k AS n FROM (SELECT j.*, j.wage AS base, k.k, k.kind FROM job j"
        " CROSS JOIN (VALUES (0, '110'), (1, '210'), (2, '410'), (3, '310')) AS k(k, kind) WHERE {listed} UNION ALL BY NAME"
        " SELECT p.*, CAST(NULL AS VARCHAR) AS employer, CAST(NULL AS VARCHAR) AS employer_uscc, 0 AS base, 4 AS k, '170' AS kind"
        " FROM person p WHERE p.work <> 1 AND p.age >= 16 AND p.stage = 0 AND u('residents pension') < 0.82 AND {listed})",
    ),
    "human_resources.medical_insurance": Recipe(
        "person", "", {
            "year": "'2026'", "kind": "kind", "state": weighted("insurance", _1=0.97, _2=0.03),
            "payer_kind": "CASE WHEN kind = '310' THEN NULL WHEN poor THEN '2' WHEN allowance THEN '3' WHEN disability_level IN (1, 2) THEN '5' WHEN stage > 0 THEN '7' ELSE '1' END",
            "premium": "CASE WHEN kind = '310' THEN wage * 12 * 2 // 100 WHEN poor THEN 20000 ELSE 40000 END",
            "premium_subsidy": "CASE WHEN kind <> '310' AND (poor OR allowance) THEN 20000 END", "employer": "employer",
        },
        "SELECT * EXCLUDE (n), n * 2 AS n, medical AS kind FROM job WHERE medical IS NOT NULL AND {listed} UNION ALL BY NAME"
        " SELECT *  EXCLUDE (n), n * 2 AS n, medical AS kind FROM person WHERE work <> 1 AND medical IS NOT NULL AND {listed} UNION ALL BY NAME"
        # Insured twice: as an employee and once more as a resident, by two offices that do not ask each other.
        " SELECT * EXCLUDE (n), n * 2 + 1 AS n, '390' AS kind FROM person WHERE medical = '310' AND u('insured twice') < 0.005 AND NOT is_dead",
        double="n % 2 = 1",
    ),
    "social_insurance.pension_payment": Recipe(
        "person", "pension > 0 AND age >= 60.1 AND {listed}",
        {
            "start_date": _PENSION_START, "basic_amount": "pension * 7 // 10", "account_amount": "pension - pension * 7 // 10",
            "last_paid_month": "'2026-10'", "state": weighted("pension state", _1=0.985, _2=0.015),
            "alive_checked_date": day_in("alive checked", "2026-01-01", 300), "employer": "CASE WHEN formal THEN '亳州市' || " + chosen("old firm", "纺织厂", "化肥厂", "供销社", "粮食局", "古井酒厂") + " END",
        },
    ),
    "provident_fund.account": Recipe(
        "job", "NOT is_dead AND u('fund') < 0.6",
        {
            "account_number": numbered("0558", width=11), "employer_account": "'0558' || right(employer_uscc, 7)", "base": "wage",
            "rate": "24", "monthly_deposit": "wage * 24 // 100", "balance": _BALANCE, "paid_until": "'2026-10'",
            "opened_date": _OPENED, "state": weighted("fund state", _1=0.92, _2=0.08),
        },
    ),
    "provident_fund.loan": Recipe(
        "job", "", {
            "contract_number": numbered("GJJ"), "borrower_name": "name", "borrower_id_number": "id_number", "spouse_name": "spouse_name",
            "spouse_id_number": "spouse_id", "account_number": "'0558' || lpad(CAST(n AS VARCHAR), 11, '0')", "address": "house_address",
            "amount": whole("loan", 10, 46) + " * 1000000", "months": "(['120','180','240','300'])[1 + CAST(floor(u('months') * 4) AS INTEGER)]::BIGINT", "rate": "3.1",
            "lent_date": day_in("lent", "2018-01-01", 3100), "balance": whole("loan", 10, 46) + " * " + whole("left", 10, 95) + " * 10000",
            "overdue_periods": "CASE WHEN u('overdue') < 0.02 THEN 3 ELSE 0 END", "state": "CASE WHEN u('overdue') < 0.02 THEN '2' ELSE '1' END",
        },
        "SELECT j.*, h.address AS house_address, c.woman_name AS spouse_name, c.woman_id AS spouse_id FROM (SELECT * FROM job WHERE u('fund') < 0.6) j"
        " JOIN (SELECT household, min(address) AS address FROM house WHERE mortgaged GROUP BY household) h ON h.household = j.household"
        " LEFT JOIN couple c ON c.n = j.n WHERE NOT j.is_dead AND hash(j.n + 5) % 100 < 25",
    ),
    "employment.migrant_worker": Recipe(
        "person", "work = 2 AND {listed}",
        {
            "is_migrant": "u('away') < 0.8", "work_division": "CASE WHEN u('away') < 0.8 THEN " + chosen("away to", "江苏省苏州市", "浙江省宁波市", "上海市嘉定区", "安徽省合肥市", "浙江省杭州市") + " END",
            "industry": chosen("industry", "C", "C", "E", "G", "H", "O"), "employer": "CASE WHEN u('firm known') < 0.4 THEN " + chosen("firm", "立讯精密", "申洲针织", "中建三局", "京东物流", "富士康") + " END",
            "left_date": day_in("left", "2022-02-01", 1500), "returned_date": "CASE WHEN u('away') >= 0.8 THEN " + after(day_in("left", "2022-02-01", 1500), "returned", 20, 200) + " END",
            "intention": chosen("intention", "1", "2", "3"),
        },
    ),
    "education.school_roll": Recipe(
        "student", "stage BETWEEN 2 AND 5",
        {"admission_date": _ADMITTED, "is_boarding": "stage >= 3 AND u('boards') < 0.5", "is_left_behind": "NOT is_urban AND u('left behind') < 0.2",
         "guardian_name": _GUARDIAN, "guardian_phone": _GUARDIAN_PHONE, "state": weighted("roll", _1=0.98, _2=0.01, _3=0.01)},
    ),
    "education.college_student": Recipe(
        "person", "stage IN (6, 7) AND NOT is_dead",
        {"school_name": _COLLEGES, "college": chosen("faculty", "管理学院", "工学院", "医学院", "文学院", "信息学院"),
         "major": chosen("major", "计算机科学与技术", "护理学", "会计学", "土木工程", "汉语言文学", "机械工程", "药学"), "length_of_study": "CASE WHEN stage = 7 THEN 4 ELSE 3 END",
         "admission_date": _ADMITTED, "expected_graduation_date": "CAST(" + _ADMITTED + " + INTERVAL 4 YEAR AS DATE)", "notice_number": numbered("LQ"),
         "loan_amount": "CASE WHEN u('loan') < 0.25 THEN " + whole("loan size", 6, 17) + " * 100000 END"},
    ),
    "education.student_aid": Recipe(
        "student", "", {
            "aid_kind": "CASE WHEN stage >= 4 THEN '3' ELSE '6' END", "term": "term", "amount": whole("aid", 5, 20) + " * 10000",
            "hardship_level": chosen("hardship", "1", "2", "3"), "hardship_reason": chosen("reason", "建档立卡贫困家庭", "低保家庭", "单亲家庭", "家庭成员患重病"),
            "paid_date": "paid", "student_number": "'G' || id_number",
        },
        "SELECT s.* EXCLUDE (n), s.n * 4 + t.k AS n, t.term, t.paid FROM student s CROSS JOIN (VALUES (0, '2025秋', DATE '2025-11-20'),"
        " (1, '2026春', DATE '2026-05-15')) AS t(k, term, paid) WHERE s.stage >= 2 AND (s.poor OR hash(s.n) % 100 < 6)",
    ),
    "education.teacher": Recipe(
        "job", "industry = 'P' AND NOT is_dead",
        {
            "school_code": "school_code", "school_name": "employer", "subject": chosen("subject", "语文", "数学", "英语", "物理", "化学", "体育", "音乐", "历史"),
            "qualification_number": "'20' || lpad(CAST(n % 1000000000000000 AS VARCHAR), 15, '0')", "title": weighted("title", _2=0.2, _3=0.45, _4=0.3, _9=0.05),
            "education_level": chosen("teacher level", "21", "21", "31", "14"), "is_on_staff": "u('on staff') < 0.85", "start_date": "CAST(least(birth + 8400, :taken - 60) AS DATE)", "state": weighted("post", _1=0.97, _2=0.03),
        },
        "SELECT j.*, s.code AS school_code FROM job j JOIN school s ON s.uscc = j.employer_uscc WHERE j.is_public AND NOT j.is_dead",
    ),
    "transport.taxi_driver": Recipe(
        "person", "work = 2 AND age BETWEEN 24 AND 60 AND sex = '1' AND u('taxi') < 0.012 AND NOT is_dead",
        {"qualification_number": "id_number", "kind": weighted("taxi kind", _1=0.4, _2=0.6), "licence_class": "'C1'",
         "company": chosen("company", "亳州市顺达出租汽车有限公司", "涡阳县捷安客运有限公司", "亳州市公交出租公司"), "plate_number": "'皖ST' || lpad(CAST(n % 10000 AS VARCHAR), 4, '0')",
         "issued_date": day_in("issued", "2021-01-01", 2000), "valid_until": "CAST(" + day_in("issued", "2021-01-01", 2000) + " + 2190 AS DATE)",
         "complaints": whole("complaints", 0, 4), "rating": chosen("rating", "1", "2", "3"), "state": "'1'"},
    ),
    "vehicle_management.driving_licence": Recipe(
        "person", "age BETWEEN 19 AND 78 AND u('drives') < CASE WHEN sex = '1' THEN 0.42 ELSE 0.18 END AND {listed}",
        {
            "licence_number": "id_number", "file_number": "'3416' || lpad(CAST(n AS VARCHAR), 8, '0')", "licence_class": weighted("class", C1=0.78, C2=0.08, B2=0.08, A2=0.03, D=0.03),
            "first_issued_date": _FIRST_LICENCE,
            "valid_from": _VALID_FROM, "valid_until": f"CAST({_VALID_FROM} + 3650 AS DATE)",
            "points": "CASE WHEN u('points') < 0.8 THEN 0 ELSE " + whole("how many", 1, 13) + " END", "state": weighted("licence", A=0.95, H=0.03, M=0.02),
            "medical_exam_date": day_in("examined", "2024-01-01", 1000),
        },
    ),
}  # fmt: skip
