"""The truth as a department sees it on one day: SQL views by subject, and what each data element is in them.

Every view has `n` (number of its row), `changed_on` (last day something happened to it, or null) and `is_dead`.
`u('purpose')` in SQL stands for a number in [0, 1) that follows from the seed, the purpose and `n`.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

from yici.base.sql import text
from yici.platform.data.generating.draws import salt
from yici.platform.data.register import TAKEN_ON

_DRAW = re.compile(r"u\('([^']+)'\)")
TABLES = ("persons", "households", "couples", "children", "houses", "vehicles", "businesses", "places", "schools")
PUBLIC_SHARE = 0.065  # of employees teach in public schools
REGISTERED_AFTER = 4  # days from a birth to its entry in the registers


def expand(sql: str, seed: int) -> str:
    """SQL with every `u('…')` written out."""
    return _DRAW.sub(lambda found: f"(((hash(n + {salt(seed, found[1])}) >> 11)::DOUBLE) / 9007199254740992.0)", sql)


def views(truth: Path, day: dt.date, seed: int) -> str:
    """Statements that create the views over the truth in that folder, as of that day."""
    tables = "\n".join(f"CREATE VIEW t_{name} AS SELECT * FROM {text(truth / f'{name}.parquet')};" for name in TABLES)  # noqa: S608
    return tables + expand(_VIEWS.replace(":day", f"DATE '{day}'").replace(":taken", f"DATE '{TAKEN_ON}'"), seed)


_VIEWS = f"""
CREATE VIEW person AS SELECT * EXCLUDE (moved_on),
  (:day - birth) / 365.2425 AS age, coalesce(died <= :day, false) AS is_dead,
  village_code || lpad(CAST(household + 100000 AS VARCHAR), 8, '0') AS household_number,
  CASE WHEN moved_on <= :day THEN new_address ELSE address END AS residential,
  CASE WHEN moved_on <= :day THEN new_village_code ELSE village_code END AS residential_village,
  left(village_code, 6) || '000000' AS county_code,
  'A' || lpad(CAST(n AS VARCHAR), 8, '0') AS card_number, '3416' || lpad(CAST(n AS VARCHAR), 10, '0') AS personal_number,
  greatest(CASE WHEN moved_on <= :day THEN moved_on END, CASE WHEN died <= :day THEN died END,
           CASE WHEN birth > :taken - 30 THEN birth + {REGISTERED_AFTER} END) AS changed_on,
  CASE WHEN moved_on <= :day THEN moved_on END AS moved_on
  FROM t_persons WHERE birth <= :day - {REGISTERED_AFTER};
CREATE VIEW household AS SELECT * EXCLUDE (moved_on), household AS n, coalesce(ended <= :day, false) AS is_dead,
  CASE WHEN moved_on <= :day THEN new_address ELSE address END AS residential,
  CASE WHEN moved_on <= :day THEN new_village_code ELSE village_code END AS residential_village,
  left(village_code, 6) || '000000' AS county_code, income // greatest(size, 1) // 100 * 100 AS income_per_head,
  left(village_code, 12) || lpad(CAST(household % 10000 AS VARCHAR), 4, '0') AS poverty_number,
  left(village_code, 6) || '2' || lpad(CAST(household AS VARCHAR), 8, '0') AS allowance_number,
  greatest(CASE WHEN moved_on <= :day THEN moved_on END, CASE WHEN ended <= :day THEN ended END) AS changed_on,
  CASE WHEN moved_on <= :day THEN moved_on END AS moved_on
  FROM t_households;
CREATE VIEW member AS SELECT p.*, h.head_name, h.head_id, h.head_phone, h.size, h.income, h.income_per_head, h.cause,
  h.poverty_number, h.allowance_number FROM person p JOIN household h ON h.household = p.household;
CREATE VIEW couple AS SELECT *, CAST(NULL AS DATE) AS changed_on, false AS is_dead FROM t_couples;
CREATE VIEW child AS SELECT *, CASE WHEN birth > :taken - 30 THEN birth + {REGISTERED_AFTER} END AS changed_on,
  false AS is_dead, (:day - birth) / 365.2425 AS age
  FROM t_children WHERE birth <= :day - {REGISTERED_AFTER};
CREATE VIEW house AS SELECT *, h AS n, CAST(NULL AS DATE) AS changed_on, false AS is_dead FROM t_houses;
CREATE VIEW house_right AS
  SELECT * EXCLUDE (n), n * 2 AS n, owner_name AS right_name, owner_id AS right_id FROM house UNION ALL
  SELECT * EXCLUDE (n), n * 2 + 1 AS n, partner_name, partner_id FROM house WHERE partner_id IS NOT NULL;
CREATE VIEW vehicle AS SELECT *, v AS n, CAST(NULL AS DATE) AS changed_on, false AS is_dead FROM t_vehicles;
CREATE VIEW business AS SELECT *, b AS n, CAST(NULL AS DATE) AS changed_on, false AS is_dead,
  left(village_code, 6) || '000000' AS county_code FROM t_businesses;
CREATE VIEW school AS SELECT *, s AS n, CAST(NULL AS DATE) AS changed_on, false AS is_dead FROM t_schools;
CREATE VIEW place AS SELECT *, v AS n, CAST(NULL AS DATE) AS changed_on, false AS is_dead FROM t_places;
CREATE TABLE employer AS
  SELECT row_number() OVER (ORDER BY s) - 1 AS e, name, uscc, 'P' AS industry, true AS is_public FROM school
  UNION ALL SELECT 1000000 + row_number() OVER (ORDER BY b) - 1, name, uscc, industry, false FROM business WHERE is_company;
SET VARIABLE schools = (SELECT count(*) FROM employer WHERE is_public);
SET VARIABLE companies = (SELECT count(*) FROM employer WHERE NOT is_public);
CREATE VIEW job AS SELECT p.*, e.name AS employer, e.uscc AS employer_uscc, e.is_public, e.industry
  FROM person p JOIN employer e ON e.e = CASE WHEN p.employer_draw < {PUBLIC_SHARE}
    THEN CAST(floor(p.employer_draw / {PUBLIC_SHARE} * getvariable('schools')) AS BIGINT)
    ELSE 1000000 + CAST(floor(power((p.employer_draw - {PUBLIC_SHARE}) / {1 - PUBLIC_SHARE}, 1.8)
      * getvariable('companies')) AS BIGINT) END
  WHERE p.work = 1;
CREATE VIEW student AS SELECT p.*, s.name AS school_name, s.code AS school_code, s.kind AS school_kind
  FROM person p JOIN school s ON s.s = p.school WHERE p.stage BETWEEN 1 AND 5 AND NOT p.is_dead;
CREATE VIEW villager AS SELECT h.*, h.head_name AS name, h.head_id AS id_number FROM household h WHERE NOT h.is_urban;
CREATE VIEW divorce AS SELECT m.n, CAST(NULL AS DATE) AS changed_on, false AS is_dead,
  m.name AS man_name, m.id_number AS man_id, m.birth AS man_birth, m.ethnicity AS man_ethnicity, m.village_code,
  w.name AS woman_name, w.id_number AS woman_id, w.birth AS woman_birth, w.ethnicity AS woman_ethnicity, m.county,
  CAST(least(greatest(m.birth, w.birth) + 26 * 365 + CAST(u('divorced') * 2500 AS INTEGER), :taken - 40) AS DATE) AS divorced
  FROM (SELECT *, row_number() OVER (PARTITION BY county ORDER BY birth, n) AS k FROM t_persons WHERE marital = '40' AND sex = '1') m
  JOIN (SELECT county, name AS name, id_number, birth, ethnicity, row_number() OVER (PARTITION BY county ORDER BY birth, n) AS k
        FROM t_persons WHERE marital = '40' AND sex = '2') w ON w.k = m.k AND w.county = m.county;
"""  # noqa: S608

_WHO = {
    "person.id_number": "id_number", "person.id_document_number": "id_number", "person.name": "name",
    "bank.account_holder": "name",
}  # fmt: skip
_PERSON = {
    **_WHO,
    "person.former_name": "CASE WHEN u('former name') < 0.02 THEN misheard(name) END",
    "person.sex": "sex", "person.birth_date": "birth", "person.ethnicity": "ethnicity", "person.phone": "phone",
    "person.registered_address": "address", "person.registered_division": "village_code",
    "person.residential_address": "residential", "person.residential_division": "residential_village",
    "person.mailing_address": "residential", "household.address": "address", "household.number": "household_number",
    "household.relation_to_head": "relation", "person.hukou_kind": "hukou", "person.marital_status": "marital",
    "person.marriage_date": "married", "person.education_level": "level", "person.death_date": "died",
    "person.alive": "NOT is_dead", "place.division": "village_code", "social_insurance.division": "county_code",
    "education.school_division": "county_code", "employment.state": "nullif(CAST(work AS VARCHAR), '0')",
    "person.occupation": "CASE work WHEN 1 THEN CAST(1 + CAST(floor(u('occupation') * 6) AS INTEGER) AS VARCHAR) WHEN 2 THEN '6'"
                         " WHEN 3 THEN '4' WHEN 4 THEN '5' WHEN 0 THEN NULL ELSE '9' END",
    "person.military_service": "CASE WHEN sex = '1' AND age >= 22 AND u('army') < 0.05 THEN '1' WHEN age >= 18 THEN '0' END",
    "person.id_valid_until": "CASE WHEN age BETWEEN 16 AND 46 THEN CAST(DATE '2026-11-01' + CAST(1 + u('id until') * 3650 AS INTEGER) AS DATE) END",
    "person.id_valid_from": "CAST(DATE '2026-10-01' - CAST(1 + u('id from') * 3650 AS INTEGER) AS DATE)",
    "person.nationality": "'CHN'", "person.native_place": "'安徽省亳州市'", "person.birth_place": "'安徽省亳州市'",
    "bank.account_number": "account", "bank.name": "bank", "social_insurance.card_number": "card_number",
    "social_insurance.personal_number": "personal_number", "medical_insurance.number": "'M' || personal_number",
    "medical_insurance.kind": "coalesce(medical, '390')", "pension.kind": "CASE WHEN formal THEN '1' ELSE '2' END",
    "pension.monthly_amount": "pension", "disability.kind": "nullif(CAST(disability AS VARCHAR), '0')",
    "disability.level": "nullif(CAST(disability_level AS VARCHAR), '0')",
    "disability.certificate_number": "id_number || disability || disability_level",
    "employment.monthly_wage": "wage", "education.stage": "nullif(CAST(stage AS VARCHAR), '0')",
}  # fmt: skip
_ORGANISATION = {
    "organisation.uscc": "uscc", "organisation.name": "name", "organisation.industry": "industry",
    "organisation.legal_representative": "owner_name", "organisation.legal_representative_id_number": "owner_id",
    "organisation.legal_representative_phone": "owner_phone", "organisation.contact_name": "owner_name",
    "organisation.contact_phone": "owner_phone", "organisation.address": "address", "organisation.division": "village_code",
    "place.division": "village_code", "organisation.registered_capital": "capital", "organisation.capital_currency": "'CNY'",
    "organisation.founded_date": "founded", "organisation.business_scope": "scope", "organisation.employee_count": "employees",
    "organisation.business_form": "CASE WHEN NOT is_company THEN '9500' WHEN is_cooperative THEN '9100' WHEN u('form') < 0.03 THEN '1200' ELSE '1100' END",
    "organisation.kind": "CASE WHEN NOT is_company THEN '2' WHEN is_cooperative THEN '3' ELSE '1' END",
    "organisation.registration_state": "CASE WHEN u('state') < 0.88 THEN '1' WHEN u('state') < 0.93 THEN '3' WHEN u('state') < 0.97 THEN '5' ELSE '2' END",
    "organisation.term_until": "CASE WHEN u('term') < 0.4 THEN CAST(founded + 7305 AS DATE) END",
    "organisation.taxpayer_kind": "CASE WHEN NOT is_company THEN '3' WHEN u('taxpayer') < 0.3 THEN '1' ELSE '2' END",
    "organisation.email": "'b' || n || '@example.cn'", "organisation.social_insurance_number": "'3416' || lpad(CAST(n AS VARCHAR), 8, '0')",
    "organisation.provident_fund_number": "'0558' || lpad(CAST(n AS VARCHAR), 7, '0')",
    "business.operator_name": "owner_name", "business.operator_id_number": "owner_id", "business.operator_phone": "owner_phone",
    "business.operator_address": "address", "person.id_number": "owner_id", "person.name": "owner_name", "person.phone": "owner_phone",
}  # fmt: skip
_HOUSEHOLD = {
    "household.number": "number", "household.head_name": "head_name", "household.head_id_number": "head_id",
    "household.address": "address", "household.size": "nullif(size, 0)", "household.kind": "CASE WHEN u('collective') < 0.01 THEN '2' ELSE '1' END",
    "household.labour_count": "labour", "household.student_count": "students", "household.annual_income": "income",
    "household.income_per_head": "income_per_head", "household.poverty_number": "poverty_number",
    "household.minimum_allowance_number": "allowance_number", "household.poverty_cause": "cause", "assistance.cause": "cause",
    "household.move_in_date": "settled", "place.division": "village_code", "person.registered_division": "village_code",
    "person.registered_address": "address", "person.residential_address": "residential",
    "person.residential_division": "residential_village", "person.mailing_address": "residential", "person.phone": "head_phone",
    "person.id_number": "head_id", "person.name": "head_name", "bank.account_number": "account", "bank.account_holder": "head_name",
    "household.is_poverty_registered": "poor", "household.is_minimum_allowance": "allowance",
}  # fmt: skip
_HOUSE = {
    "house.certificate_number": "number", "house.unit_number": "unit", "house.owner_name": "owner_name",
    "house.owner_id_number": "owner_id", "house.address": "address", "place.division": "village_code", "house.use": "'10'",
    "house.structure": "structure", "house.floor_area": "area", "house.built_year": "built_year",
    "house.registered_date": "registered", "house.is_mortgaged": "mortgaged", "person.id_number": "owner_id",
    "person.name": "owner_name", "person.phone": "owner_phone", "house.landlord_name": "owner_name",
    "house.landlord_phone": "owner_phone", "house.ownership_kind": "CASE WHEN partner_id IS NULL THEN '0' WHEN h % 40 = 0 THEN '2' ELSE '1' END",
    "house.monthly_rent": "price // 40000 * 100",
}  # fmt: skip
_VEHICLE = {
    "vehicle.plate_number": "plate", "vehicle.plate_kind": "CASE WHEN length(plate) = 8 THEN '52' WHEN kind LIKE 'H%' THEN '01' ELSE '02' END",
    "vehicle.vin": "vin", "vehicle.engine_number": "engine", "vehicle.kind": "kind", "vehicle.brand": "brand",
    "vehicle.colour": "colour", "vehicle.fuel": "fuel", "vehicle.use": "CASE WHEN kind LIKE 'H%' THEN 'F' ELSE 'A' END",
    "vehicle.owner_name": "owner_name", "vehicle.owner_id_number": "owner_id", "vehicle.registered_date": "registered",
    "vehicle.displacement": "CASE WHEN fuel <> 'C' THEN round(1.2 + u('litres') * 1.6, 1) END", "vehicle.seats": "CASE WHEN kind = 'K31' THEN 7 WHEN kind LIKE 'H%' THEN 2 ELSE 5 END",
    "vehicle.inspection_valid_until": "CAST(greatest(DATE '2026-06-01' + CAST(u('inspected') * 700 AS INTEGER), registered + 700) AS DATE)",
    "vehicle.insurance_valid_until": "CAST(DATE '2026-10-01' + CAST(u('insured') * 365 AS INTEGER) AS DATE)",
    "vehicle.scrap_date": "CAST(registered + 5479 + 365 AS DATE)", "vehicle.state": "CASE WHEN u('state') < 0.93 THEN 'A' WHEN u('state') < 0.97 THEN 'Q' ELSE 'G' END",
    "person.name": "owner_name", "person.id_number": "owner_id", "person.phone": "owner_phone",
    "person.residential_address": "owner_address", "place.division": "['341602000000','341621000000','341622000000','341623000000'][1 + county]",
}  # fmt: skip
_JOB = {
    **_PERSON, "organisation.uscc": "employer_uscc", "organisation.name": "employer", "employment.employer": "employer",
    "social_insurance.employer": "employer", "organisation.industry": "industry",
}  # fmt: skip
_STUDENT = {
    **_PERSON, "education.school_name": "school_name", "education.school_code": "school_code", "education.school_kind": "school_kind",
    "education.student_number": "'G' || id_number", "education.is_enrolled": "true",
    "education.grade": "(['幼儿园','小学','初中','高中','中职'])[stage] || (1 + CAST(floor(u('grade') * 3) AS INTEGER)) || '年级'",
    "education.class_name": "(1 + CAST(floor(u('class') * 8) AS INTEGER)) || '班'",
}  # fmt: skip
_MEMBER = {
    **_PERSON, "household.head_name": "head_name", "household.head_id_number": "head_id", "household.size": "size",
    "household.annual_income": "income", "household.income_per_head": "income_per_head", "household.poverty_number": "poverty_number",
    "household.minimum_allowance_number": "allowance_number", "household.poverty_cause": "cause", "assistance.cause": "cause",
}  # fmt: skip
_COUPLE = {
    "marriage.man_name": "man_name", "marriage.man_id_number": "man_id", "marriage.woman_name": "woman_name",
    "marriage.woman_id_number": "woman_id", "place.division": "village_code",
}  # fmt: skip
_CHILD = {
    "birth.child_name": "name", "birth.child_sex": "sex", "birth.child_birth_date": "birth", "birth.mother_name": "mother_name",
    "birth.mother_id_number": "mother_id", "birth.father_name": "father_name", "birth.father_id_number": "father_id",
    "birth.certificate_number": "'T' || lpad(CAST(n % 1000000000 AS VARCHAR), 9, '0')", "birth.child_order": "child_order",
    "birth.gestation_weeks": "37 + CAST(floor(u('weeks') * 5) AS INTEGER)", "birth.weight": "2400 + CAST(floor(u('weight') * 1900) AS INTEGER)",
    "person.id_number": "id_number", "person.name": "name", "person.sex": "sex", "person.birth_date": "birth",
    "place.division": "village_code", "person.registered_division": "village_code", "person.registered_address": "address",
    "person.residential_address": "address", "person.guardian_name": "coalesce(mother_name, father_name)",
    "person.guardian_id_number": "coalesce(mother_id, father_id)", "person.guardian_phone": "mother_phone",
    "person.phone": "mother_phone",
}  # fmt: skip
_SCHOOL = {
    "organisation.uscc": "uscc", "organisation.name": "name", "education.school_name": "name", "education.school_code": "code",
    "education.school_kind": "kind", "place.division": "township_code", "organisation.division": "township_code",
    "education.school_division": "township_code",
}  # fmt: skip
_PLACE = {
    "place.division": "village_code",
    "place.village": "place",
    "place.township": "township",
    "place.county": "county_name",
}

ELEMENTS: dict[str, dict[str, str]] = {
    "person": _PERSON, "member": _MEMBER, "job": _JOB, "student": _STUDENT, "household": _HOUSEHOLD,
    "villager": {**_HOUSEHOLD}, "house": _HOUSE, "vehicle": _VEHICLE, "business": _ORGANISATION, "couple": _COUPLE,
    "house_right": {**_HOUSE, "house.owner_name": "right_name", "house.owner_id_number": "right_id"},
    "child": _CHILD, "school": _SCHOOL, "place": _PLACE, "divorce": _COUPLE,
}  # fmt: skip
