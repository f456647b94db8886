"""One line of numbers for decisions and settlements, so that one mark says what a round has seen of both."""

NEXT = (
    "(SELECT 1 + max((SELECT coalesce(max(id), 0) FROM annotations), (SELECT coalesce(max(id), 0) FROM settlements)))"
)
