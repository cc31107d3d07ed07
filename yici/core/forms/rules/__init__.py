"""Pure logic of forms: definitions, conditions, validation, situations, unions. Never touches the database."""

from yici.core.forms.rules.answers import AnswerRow, ChangedField, Provenance, answer_rows, changed_fields, words
from yici.core.forms.rules.conditions import Condition, both, either, is_filled
from yici.core.forms.rules.definition import (
    SITUATION,
    Check,
    Field,
    FieldType,
    FormDefinition,
    Option,
    Page,
    SituationOption,
    SituationQuestion,
    all_questions,
)
from yici.core.forms.rules.questions import Question, elements_of, problems, question, questions_of
from yici.core.forms.rules.reading import Problem, explain, read_definition
from yici.core.forms.rules.schema import json_schema, situation_schema
from yici.core.forms.rules.situations import (
    clean_situation,
    materials_needed,
    open_questions,
    require_situation,
    situation_words,
)
from yici.core.forms.rules.union import answers_for, names_in_union, union
from yici.core.forms.rules.validation import Outcome, examine, full_years, visible_fields, visible_pages
from yici.core.forms.rules.values import References

__all__ = [
    "SITUATION",
    "AnswerRow",
    "ChangedField",
    "Check",
    "Condition",
    "Field",
    "FieldType",
    "FormDefinition",
    "Option",
    "Outcome",
    "Page",
    "Problem",
    "Provenance",
    "Question",
    "References",
    "SituationOption",
    "SituationQuestion",
    "all_questions",
    "answer_rows",
    "answers_for",
    "both",
    "changed_fields",
    "clean_situation",
    "either",
    "elements_of",
    "examine",
    "explain",
    "full_years",
    "is_filled",
    "json_schema",
    "materials_needed",
    "names_in_union",
    "open_questions",
    "problems",
    "question",
    "questions_of",
    "read_definition",
    "require_situation",
    "situation_schema",
    "situation_words",
    "union",
    "visible_fields",
    "visible_pages",
    "words",
]
