"""The steps of a story, derived from captured webhooks. Pure.

No vendor says which step causes which event. Candidates are tried forward: which step, at this point of the story,
would send the captured events? What is made up is told from what follows from the step by trying it in two
conversations of different people (`comparing`). A step that sends nothing shows in later bodies; it is looked for where
a body differs. What no step explains stays as it is.
"""
