"""For each class: who is in it and what its columns say beyond what its data elements say by themselves."""

from __future__ import annotations

from yici.platform.data.generating.recipes.base import Recipe
from yici.platform.data.generating.recipes.economy import RECIPES as ECONOMY
from yici.platform.data.generating.recipes.population import RECIPES as POPULATION
from yici.platform.data.generating.recipes.property import RECIPES as PROPERTY
from yici.platform.data.generating.recipes.services import RECIPES as SERVICES
from yici.platform.data.generating.recipes.welfare import RECIPES as WELFARE
from yici.platform.data.generating.recipes.work import RECIPES as WORK

__all__ = ["RECIPES", "Recipe"]

RECIPES: dict[str, Recipe] = {**POPULATION, **WELFARE, **WORK, **PROPERTY, **ECONOMY, **SERVICES}
