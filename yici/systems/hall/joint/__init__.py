"""Joint cases (一件事): any set of items as one form, one list of materials, one order, one case with parts."""
