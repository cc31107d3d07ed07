"""Public security, civil affairs registers, health: who lives, is born, marries, dies."""

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

_POLICE = f"{COUNTY} || '公安局' || (['城关','中心','东城','西城','南城','北城'])[1 + CAST(hash(left(village_code, 9)) % 6 AS INTEGER)] || '派出所'"
_DIED = "is_dead AND died <= :day - 3"
_CAUSES = (
    "(['I63.9','I21.9','C34.9','J44.9','C22.0','I61.9','E14.9','V89.2'])[1 + CAST(floor(u('cause') * 8) AS INTEGER)]"
)
_CAUSE_NAMES = "(['脑梗死','急性心肌梗死','肺恶性肿瘤','慢性阻塞性肺疾病','肝恶性肿瘤','脑出血','糖尿病','交通事故'])[1 + CAST(floor(u('cause') * 8) AS INTEGER)]"
_CREMATED = after("died", "cremated", 1, 4)
_CANCELLED = after("died", "cancelled", 2, 40)
_HOSPITAL = "(['亳州市人民医院','涡阳县人民医院','蒙城县第一人民医院','利辛县人民医院'])[1 + CAST(county AS INTEGER)]"
_ARRIVED = "coalesce(moved_on, " + day_in("arrived", "2021-01-01", 2000) + ")"
_MARRIAGE_KIND = "CASE WHEN u('replaced') >= 0.02 THEN kind WHEN kind = '1' THEN '3' ELSE '4' END"
_VACCINES = ("('01', 1, 1)", "('02', 1, 1)", "('01', 2, 30)", "('03', 1, 60)", "('03', 2, 90)", "('04', 1, 92)", "('03', 3, 120)",
             "('04', 2, 122)", "('01', 3, 180)", "('09', 1, 182)", "('06', 1, 240)", "('08', 1, 242)", "('04', 3, 540)",
             "('07', 1, 545)", "('11', 1, 550)", "('08', 2, 730)", "('10', 1, 1095)", "('03', 4, 1460)", "('05', 1, 2190)")  # fmt: skip

RECIPES = {
    "public_security.resident": Recipe(
        "person", "{listed}", {"photo_number": numbered("P", width=12)},
    ),
    "public_security.household": Recipe(
        "household", "", {"police_station": _POLICE, "is_cancelled": "is_dead AND u('cancelled') < 0.8",
                          "move_in_date": "settled"},
    ),
    "public_security.deregistration": Recipe(
        "person", f"{_DIED} AND u('deregistered') < 0.95 AND {_CANCELLED} <= :day",
        {
            "cancelled_date": _CANCELLED,
            "proof_kind": weighted("proof", _1=0.7, _4=0.25, _2=0.05), "proof_number": numbered("SW"),
            "reporter_name": "CASE WHEN spouse IS NULL THEN left(name, 1) || '建国' ELSE left(name, 1) || '桂英' END",
            "reporter_id_number": "id_check(left(id_number, 6) || '1970' || substr(id_number, 11, 7))",
            "reporter_relation": chosen("reporter", "20", "30", "10"), "police_station": _POLICE,
        },
    ),
    "public_security.residence": Recipe(
        "person", "(moved_on IS NOT NULL OR u('resident') < 0.09) AND NOT is_dead AND age > 1",
        {
            "reason": chosen("reason", "01", "03", "06", "09", "01", "04"), "arrival_date": _ARRIVED,
            "permit_number": "CASE WHEN u('permit') < 0.3 THEN id_number END",
            "permit_valid_until": f"CASE WHEN u('permit') < 0.3 THEN CAST({_ARRIVED} + 365 * 6 AS DATE) END",
            "employer": "CASE WHEN work = 1 THEN '亳州' || " + chosen("firm", "华源", "古井", "济人", "恒大") + " || '有限公司' END",
            "landlord_name": "CASE WHEN u('rents') < 0.5 THEN " + chosen("landlord", "张建国", "李桂英", "王志强", "刘秀兰") + " END",
            "left_date": f"CASE WHEN u('left') < 0.1 THEN least({_ARRIVED} + 300, :taken - 1) END",
        },
    ),
    "civil_affairs.marriage": Recipe(
        "couple", "", {
            "registration_number": "'J' || code || '-' || year(registered) || '-' || lpad(CAST(n % 1000000000 AS VARCHAR), 9, '0')",
            "kind": _MARRIAGE_KIND, "registered_date": "registered", "man_birth_date": "man_birth", "man_ethnicity": "man_ethnicity",
            "woman_birth_date": "woman_birth", "woman_ethnicity": "woman_ethnicity",
            "authority": f"{COUNTY} || '民政局婚姻登记处'", "officer": chosen("officer", "李静", "王敏", "张伟", "陈婷"),
            "replaced_number": "CASE WHEN " + _MARRIAGE_KIND + " IN ('3', '4') THEN '（' || year(registered) || '）' || code || '字第' || n || '号' END",
        },
        f"SELECT n * 2 AS n, changed_on, is_dead, married AS registered, '1' AS kind, {COUNTY_CODE} AS code, * EXCLUDE (n, changed_on, is_dead, married, household)"  # noqa: S608
        f" FROM couple WHERE married >= DATE '1981-01-01' AND u('registered at all') < 0.93 UNION ALL BY NAME "
        f"SELECT n * 2 + 1 AS n, changed_on, is_dead, divorced AS registered, '2' AS kind, {COUNTY_CODE} AS code, * EXCLUDE (n, changed_on, is_dead, divorced)"
        " FROM divorce",
    ),
    "civil_affairs.cremation": Recipe(
        "person", f"{_DIED} AND u('cremated at all') < 0.9 AND {_CREMATED} <= :day",
        {
            "certificate_number": numbered("HH"), "cremated_date": _CREMATED, "funeral_home": f"{COUNTY} || '殡仪馆'",
            "ashes": chosen("ashes", "1", "2", "3", "4"), "relative_name": "left(name, 1) || " + chosen("relative", "建军", "秀英", "志强", "丽"),
            "relative_phone": "'1' || " + chosen("prefix", "38", "39", "52", "87") + f" || lpad(CAST({whole('relative phone', 0, 100000000)} AS VARCHAR), 8, '0')",
        },
    ),
    "health.death_certificate": Recipe(
        "person", f"{_DIED} AND u('certified') < 0.85",
        {
            "certificate_number": numbered("34SW", width=12), "place": weighted("death place", _3=0.6, _1=0.33, _4=0.04, _9=0.03),
            "cause_code": _CAUSES, "cause": _CAUSE_NAMES, "issuer": _HOSPITAL, "issued_date": after("died", "certificate", 0, 3),
        },
    ),
    "health.birth_certificate": Recipe(
        "child", "mother_id IS NOT NULL AND birth >= DATE '1996-01-01' AND u('born in hospital') < 0.97",
        {
            "hospital": _HOSPITAL, "issuer": _HOSPITAL, "issued_date": after("birth", "issued", 1, 4),
            "is_replaced": "u('replaced') < 0.02",
        },
    ),
    "disease_control.vaccination": Recipe(
        "child", "", {
            "child_code": "'34160000' || lpad(CAST(child AS VARCHAR), 10, '0')", "vaccine": "vaccine", "dose": "dose",
            "vaccinated_date": "vaccinated", "batch": "'20' || " + whole("batch", 100000, 999999),
            "maker": chosen("maker", "北京生物制品研究所", "武汉生物制品研究所", "华兰生物", "康泰生物"),
            "clinic": f"{COUNTY} || '第' || (1 + CAST(hash(left(village_code, 9)) % 20 AS INTEGER)) || '预防接种门诊'",
            "id_number": "CASE WHEN u('has number') < 0.9 THEN id_number END",
        },
        "SELECT c.n * 32 + v.k AS n, c.n AS child, c.birth + v.days + CAST(hash(c.n + v.k) % 20 AS INTEGER) AS vaccinated,"  # noqa: S608
        " v.vaccine, v.dose, c.* EXCLUDE (n) FROM child c JOIN (SELECT row_number() OVER () AS k, * FROM (VALUES "
        + ", ".join(_VACCINES) + ") AS t(vaccine, dose, days)) v ON c.birth + v.days + 20 <= :day WHERE c.age < 16"
        " AND hash(c.n * 32 + v.k) % 100 < 93",
    ),
    "health.family_planning_reward": Recipe(
        "person", "age >= 60.1 AND NOT is_urban AND u('reward') < 0.16 AND {listed}",
        {
            "kind": weighted("kind", _1=0.93, _2=0.03, _3=0.03, _4=0.01), "spouse_name": "spouse_name", "spouse_id_number": "spouse_id", "children_count": whole("children", 1, 3), "yearly_amount": "96000",
            "start_date": "CAST(birth + 21915 + 30 AS DATE)", "state": weighted("state", _1=0.95, _2=0.05),
        },
        # A couple has the number of the man, which is even; his wife's is one more.
        "SELECT p.*, CASE WHEN p.sex = '1' THEN c.woman_name ELSE c.man_name END AS spouse_name,"
        " CASE WHEN p.sex = '1' THEN c.woman_id ELSE c.man_id END AS spouse_id"
        " FROM person p LEFT JOIN couple c ON c.n = CASE WHEN p.spouse IS NOT NULL THEN p.n - p.n % 2 END",
    ),
}  # fmt: skip
