"""What clients call: the routes of the Hub's API, of uploads by either road, and of downloads."""

from local_hub.api import accounts, discussions, files, history, lfs, refs, repos, resolve, spaces, uploads, xet
from local_hub.web import Route

ROUTES: list[Route] = [
    route
    for module in (accounts, repos, files, history, refs, uploads, discussions, spaces, xet, lfs, resolve)
    for route in module.ROUTES
]
