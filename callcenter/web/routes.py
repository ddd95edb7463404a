"""The pages. A shell is the same for everybody and holds no data: who one is, the page asks the API with its token."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from callcenter.core.config import Settings
from callcenter.core.errors import NotFound
from callcenter.desk.phones import socket_url
from callcenter.web.bundles import bundles

router = APIRouter(include_in_schema=False, tags=["pages"])

IMMUTABLE = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Page:
    """``name``: of its bundle; ``title``: until the page draws its own."""

    name: str
    title: str


def _shell(page: Page, policy: str) -> HTMLResponse:
    files = bundles()
    script = files[f"{page.name}.js"].path
    style = files[f"{page.name}.css"].path
    content = f"""<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{page.title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{style}">
<script type="module" src="{script}"></script>
</head>
<body>
<div id="page"><noscript>本页面需要 JavaScript。 This page needs JavaScript.</noscript></div>
</body>
</html>
"""
    return HTMLResponse(
        content,
        headers={
            "Content-Security-Policy": policy,
            "Cache-Control": "no-cache",
            "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), payment=(), usb=()",
            "Cross-Origin-Opener-Policy": "same-origin",
        },
    )


def content_security_policy(*connect_to: str) -> str:
    """Scripts and styles from our own files only. ``connect_to``: further URLs that the page talks with."""
    targets = " ".join(["'self'", *(f"{url.scheme}://{url.netloc}" for url in map(urlsplit, connect_to))])
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
        f"connect-src {targets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@router.get("/")
async def home() -> RedirectResponse:
    """The log-in sends everybody on to their own page."""
    return RedirectResponse("/login", status_code=307)


@router.get("/login")
async def login_page() -> HTMLResponse:
    """User name and password."""
    return _shell(Page("login", "登录"), content_security_policy())


@router.get("/desk")
async def desk_page(request: Request) -> HTMLResponse:
    """Where an agent works; it also talks with Asterisk, as a telephone."""
    settings: Settings = request.app.state.settings
    return _shell(Page("desk", "工作台"), content_security_policy(_own_socket(request), socket_url(settings)))


@router.get("/console")
async def console_page() -> HTMLResponse:
    """Where the supervisor sees and steers everything."""
    return _shell(Page("console", "班长台"), content_security_policy())


@router.get("/workload")
async def workload_page() -> HTMLResponse:
    """What agents did, in figures: for team leads and the quality office."""
    return _shell(Page("workload", "工作量"), content_security_policy())


@router.get("/campaigns")
async def campaigns_page() -> HTMLResponse:
    """Whom the hospital calls, and what came of it: for schedulers; team leads and the quality office look on."""
    return _shell(Page("campaigns", "外呼任务"), content_security_policy())


@router.get("/static/{digest}/{name}")
async def bundle(digest: str, name: str, request: Request) -> Response:
    """A file of a page: kept by browsers for ever, since another content has another address. Raises NotFound."""
    found = bundles().get(name)
    if found is None or found.digest != digest:
        raise NotFound
    headers = {"Cache-Control": IMMUTABLE, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(found.gzipped, media_type=found.media_type, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)


def _own_socket(request: Request) -> str:
    """Our WebSocket: older browsers do not take it for 'self'."""
    scheme = "wss" if request.url.scheme == "https" else "ws"
    return f"{scheme}://{request.url.netloc}"
