"""From what a city writes to its whole catalogue: shorthand, kinds of handling (业务办理项), registers, authorities.

A *base* is written by hand (`items/*.yaml`, or a line of `catalogue/register/*.csv` resting on one of
`catalogue/bases/*.yaml`). Base × handling is an *item*; item × authority that holds it is a *holding*, one line of the
city's list. Reads files only; `loading` stores.
"""

from __future__ import annotations
