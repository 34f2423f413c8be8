"""In charge of a project's schema as one document: taken, read, compared, applied. Asks the database nothing itself.

describe   what is there → document                              pure
admit      JSON or YAML data → document, checked by itself       pure
render     document → data, in one stable form                   pure
text       data ⇄ YAML and JSON, bounded                         pure
columns    a column ⇄ its description                            pure
steps      what separates what is there from a document          pure
carry      steps → the plan of an alteration (`core.ddl.apply`)

The doors are in `core.ddl.code`. A document identifies everything by what it is called, never by an id.
"""
