"""What happened to this complaint: one post from its source to its ticket, found by link, reference, number or id.

The pieces stand in `connector/screen/history.py`; what a link may mean in `connector/finding.py`, the questions in
`connector/store/history.py`.
"""

from connector import screen
from connector.screen import Right
from connector.screen import history as parts

screen.only(Right.QUEUE)
pasted = parts.asked()
if pasted:
    posts = parts.found(pasted)
    if len(posts) == 1:
        parts.story(posts[0])
    elif posts:
        parts.choose(posts)
    else:
        parts.nothing(pasted)
