"""In charge of changing items: one pipeline for every door. Knows no GraphQL, no HTTP, and builds no SQL itself.

publish ∘ commit ∘ read ∘ record ∘ run ∘ compile ∘ order ∘ validate ∘ cast ∘ authorize ∘ load ∘ normalize

pipeline    the story in one page
change      the data that travels through it: nodes of a change, stored rows
normalize   a payload in v8's free form → nodes                                       pure
hashes      plaintexts → hashes, before the transaction
clash       which row of a statement met a unique value
matching    upserts by another field than the key
load        the stored rows that the nodes name, locked
resolve     what each node does, now that the rows are known                          pure
guard       who may: levels by core.access; rules: those of system collections        pure
values      autofill, slug, settings, permissions, validate: what is stored           pure
order       nodes → groups of one statement each                                      pure
run         the statements, and the keys that they generate; refusals: their errors
effects     what a write of a system collection entails
outcome     history and events (forms: how rows look in them); outbox: what webhooks will be told
readback    the answer, by the engine's reads; echo: the value of a setting as it was sent
statements  compiled statements, kept by shape
"""
