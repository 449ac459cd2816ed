"""What makes a dialogue fit for the corpus: repairs, which are counted, and rules, which reject with a reason.

A repair is `messages -> messages`, a rule is `messages -> None | reason`; both are pure. Messages are
`{role: user | assistant, content}`.
"""
