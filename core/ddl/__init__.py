"""In charge of changing the schema of a project: one way for every door. Knows no GraphQL, no HTTP, no SQL text.

announce ∘ swap ∘ commit ∘ run ∘ render ∘ diff

present      what is there, read when nobody else can alter
payload      a field as a request tells it, checked by itself           pure
columns      payload and present column → the column as it should be    pure
survive      which stored values would not outlive a change of type     pure
run          steps on tables, and their way back where DDL commits itself
rows         rows of metadata, with activity and revisions
apply        the story of an alteration: turn, plan, run, record, swap
collections  the doors for collections
fields       the doors for fields
"""
