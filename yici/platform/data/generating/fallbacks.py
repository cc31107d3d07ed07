"""What a column holds where neither the recipe nor its subject says: by its data element, its name, its type.

So that every described class has data in every column, also one that is described tomorrow.
"""

from __future__ import annotations

from yici.core.vocabulary import queries as vocabulary
from yici.platform.data.catalogue.definition import ClassDefinition, Column
from yici.platform.data.generating.recipes.base import Recipe, chosen, day_in, whole
from yici.platform.data.generating.subjects import ELEMENTS

# The subject of a class without a recipe: the first whose sign is among its elements.
_SIGNS = (
    ("vehicle.plate_number", "vehicle"), ("vehicle.vin", "vehicle"), ("house.certificate_number", "house"),
    ("marriage.man_id_number", "couple"), ("birth.certificate_number", "child"), ("education.student_number", "student"),
    ("employment.employer", "job"), ("household.head_id_number", "household"), ("person.id_number", "person"),
    ("organisation.uscc", "business"), ("organisation.name", "business"), ("household.number", "household"),
    ("education.school_code", "school"), ("person.name", "person"),
)  # fmt: skip
_SHARES = {"person": 0.05, "job": 0.2, "business": 0.3, "household": 0.05}
_FORMS = {
    "phone": "'139' || lpad(CAST(" + whole("phone", 0, 10**8) + " AS VARCHAR), 8, '0')",
    "person_name": chosen("somebody", "王秀英", "李建国", "张志强", "刘丽娟", "陈海涛", "杨文静"),
    "holder_name": chosen("somebody", "王秀英", "李建国", "张志强", "刘丽娟", "陈海涛", "杨文静"),
    "address": "'安徽省亳州市谯城区花戏楼街道' || (1 + n % 300) || '号'",
    "division": "'341602001001'",
    "year": "CAST(" + whole("year", 2018, 2027) + " AS VARCHAR)",
    "year_month": "'2026-' || lpad(CAST(" + whole("month", 1, 11) + " AS VARCHAR), 2, '0')",
    "digits": "lpad(CAST(n AS VARCHAR), 12, '0')",
    "whole_number": whole("count", 1, 60),
    "icd10": chosen("diagnosis", "I10", "E11.9", "J06.9", "K29.5"),
    "postcode": "'236800'",
}  # fmt: skip


def recipe_for(definition: ClassDefinition) -> Recipe:
    """A plain recipe by what the class is about; a share of the subject's rows."""
    elements = {column.element for column in definition.columns}
    subject = next((name for sign, name in _SIGNS if sign in elements), "place")
    share = _SHARES.get(subject, 1.0)
    living = "NOT is_dead AND " if subject in ("person", "job", "household") else ""
    return Recipe(subject, f"{living}u('in {definition.id}') < {share}")


def expression(definition: ClassDefinition, column: Column, recipe: Recipe) -> str:
    """SQL of the column's typed value."""
    if column.name in recipe.columns:
        return recipe.columns[column.name]
    known = ELEMENTS[recipe.subject]
    if column.element in known:
        return known[column.element]
    return _by_form(definition, column)


def _by_form(definition: ClassDefinition, column: Column) -> str:
    draw = f"{definition.id}.{column.name}"
    if column.type == "code" and column.code_list:
        codes = [code.code for code in vocabulary.code_list(column.code_list).codes]
        return chosen(draw, *codes[:12])
    if column.name in definition.key and column.type == "text":
        return f"'{definition.id.rpartition('.')[2][:2].upper()}' || lpad(CAST(n AS VARCHAR), 12, '0')"
    if column.check in _FORMS:
        return _FORMS[column.check]
    if column.type == "date":
        return day_in(draw, "2020-01-01", 2400)
    if column.type == "datetime":
        return f"CAST({day_in(draw, '2024-01-01', 1000)} AS TIMESTAMP)"
    if column.type == "money":
        return f"{whole(draw, 5, 500)} * 1000"
    if column.type == "number":
        return whole(draw, 1, 100)
    if column.type == "yes_no":
        return f"u('{draw}') < 0.4"
    return f"'{column.headers[0].replace(chr(39), '')}' || CAST({whole(draw, 1, 1000)} AS VARCHAR)"
