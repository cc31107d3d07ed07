"""Reading papers (电子化): a photo or scan becomes data elements that a person confirms beside the picture.

`pictures` opens what was uploaded, `reader` finds lines of text in it, `layouts` know where each kind of paper keeps
what, `normalising` and `checking` say how far a value may be trusted; `readings` keeps one reading from the upload to
the confirmation. Nothing that was read counts before a person confirmed it.
"""
