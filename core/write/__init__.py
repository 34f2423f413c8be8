"""In charge of changing items: one pipeline for every door. Knows no GraphQL, no HTTP, and builds no SQL itself.

publish ∘ commit ∘ read ∘ record ∘ run ∘ compile ∘ order ∘ validate ∘ cast ∘ authorize ∘ load ∘ normalize

change     the data that travels through it: nodes of a change, stored rows
normalize  a request in v8's free form → nodes                          pure
load       the stored rows that the nodes name, locked
resolve    what each node does, now that the rows are known             pure
guard      who may do it: levels by core.access, and rules of system    pure
           collections
validate   whether the values are right, and what is stored             pure
order      nodes → groups of one statement each                         pure
run        the statements, and the keys that they generate
history    activity and revisions                                       pure
effects    what a write of a system collection entails
pipeline   the story in one page
"""
